// Who gets in through a listener, and as whom.
#include "intake/listener_access.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

class ListenerAccessTest : public testing::Test {
 protected:
  Result<Caller, RequestProblem> check(const HttpRequestHead& head, bool function_key_counts = false) const {
    return ListenerAccess(listener_, issued_).check(head, function_key_counts);
  }
  // The client, "anybody", or the problem's name.
  std::string verdict(const HttpRequestHead& head, bool function_key_counts = false) const {
    const auto caller = check(head, function_key_counts);
    if (!caller) return std::string(problem_name(caller.error().name));
    return caller->client.value_or("anybody");
  }
  static HttpRequestHead with(std::vector<HttpField> fields) {
    HttpRequestHead head;
    head.fields = std::move(fields);
    head.peer.address = "10.1.2.3";
    return head;
  }
  static HttpRequestHead with_certificate(std::string cn, std::vector<std::string> dns = {}) {
    HttpRequestHead head = with({});
    head.peer.tls = true;
    head.peer.certificate = TlsPeerCertificate{std::move(cn), std::move(dns)};
    return head;
  }

  HttpListenerSettings listener_;
  std::shared_ptr<AccessTokens> issued_ = std::make_shared<AccessTokens>(system_clock());
};

TEST_F(ListenerAccessTest, AsksNobodyWhereNothingIsConfigured) {
  EXPECT_EQ(verdict(with({})), "anybody");
  EXPECT_FALSE(check(with({}))->authenticated);
  EXPECT_EQ(verdict(with({{"Authorization", "Bearer whatever"}})), "anybody");
}

TEST_F(ListenerAccessTest, TakesAnyOfItsTokensAndNoOther) {
  listener_.tokens = {{sha256("old"), "lab.a"}, {sha256("new"), "lab.a"}, {sha256("free"), ""}};
  EXPECT_EQ(verdict(with({{"Authorization", "Bearer old"}})), "lab.a");
  EXPECT_EQ(verdict(with({{"authorization", "bearer new"}})), "lab.a");
  EXPECT_EQ(verdict(with({{"Authorization", "Bearer free"}})), "anybody");
  EXPECT_EQ(verdict(with({})), "unauthenticated");
  EXPECT_EQ(verdict(with({{"Authorization", "Bearer other"}})), "unauthenticated");
  EXPECT_EQ(verdict(with({{"Authorization", "Basic old"}})), "unauthenticated");
  EXPECT_EQ(verdict(with({{"Authorization", "Bearer "}})), "unauthenticated");
  EXPECT_EQ(verdict(with({{"Authorization", "Bearer old"}, {"Authorization", "Bearer other"}})), "unauthenticated");
  const auto refused = check(with({}));
  EXPECT_EQ(refused.error().fields, (std::vector<std::pair<std::string, std::string>>{{"WWW-Authenticate", "Bearer"}}));
}

TEST_F(ListenerAccessTest, TakesATokenAsFunctionKeyAtReportStreamsEndpointsAlone) {
  listener_.tokens = {{sha256("key"), "lab.a"}};
  EXPECT_EQ(verdict(with({{"x-functions-key", "key"}}), true), "lab.a");
  EXPECT_EQ(verdict(with({{"x-functions-key", "other"}}), true), "unauthenticated");
  EXPECT_EQ(verdict(with({{"x-functions-key", "key"}})), "unauthenticated");
  EXPECT_EQ(verdict(with({{"x-functions-key", "key"}, {"Authorization", "Bearer other"}}), true), "unauthenticated");
}

TEST_F(ListenerAccessTest, KnowsClientsByTheirCertificates) {
  listener_.tls.emplace();
  listener_.tls->files.client_ca = "ca";
  listener_.tls->clients = {
      {"Lab A", std::nullopt, "lab.a"}, {std::nullopt, "b.lab.example", "lab.b"}, {"Lab C", "c.lab.example", "lab.c"}};
  EXPECT_EQ(verdict(with_certificate("Lab A")), "lab.a");
  EXPECT_EQ(verdict(with_certificate("x", {"y", "B.Lab.Example"})), "lab.b");
  EXPECT_EQ(verdict(with_certificate("Lab C", {"c.lab.example"})), "lab.c");
  EXPECT_EQ(verdict(with_certificate("Lab C")), "client_not_allowed") << "all that a rule names must match";
  EXPECT_EQ(verdict(with_certificate("lab a")), "client_not_allowed");
  EXPECT_EQ(verdict(with({})), "unauthenticated") << "a connection from before certificates were asked for";
  listener_.client = "lab.default";
  EXPECT_EQ(verdict(with_certificate("nobody")), "lab.default");
}

TEST_F(ListenerAccessTest, AsksForBothWhereBothAreConfigured) {
  listener_.tls.emplace();
  listener_.tls->files.client_ca = "ca";
  listener_.tls->clients = {{"Lab A", std::nullopt, "lab.a"}};
  listener_.tokens = {{sha256("a"), "lab.a"}, {sha256("b"), "lab.b"}, {sha256("free"), ""}};
  const auto both = [](std::string cn, std::string token) {
    HttpRequestHead head = with_certificate(std::move(cn));
    head.fields = {{"Authorization", "Bearer " + token}};
    return head;
  };
  EXPECT_EQ(verdict(both("Lab A", "a")), "lab.a");
  EXPECT_EQ(verdict(both("Lab A", "free")), "lab.a");
  EXPECT_EQ(verdict(both("Lab A", "b")), "client_not_allowed");
  EXPECT_EQ(verdict(both("nobody", "b")), "lab.b");
  EXPECT_EQ(verdict(both("nobody", "free")), "client_not_allowed");
  EXPECT_EQ(verdict(with_certificate("Lab A")), "unauthenticated");
  EXPECT_EQ(verdict(with({{"Authorization", "Bearer a"}})), "unauthenticated");
}

TEST_F(ListenerAccessTest, LetsInOnlyAddressesItNames) {
  listener_.allow_from = {{*IpNetwork::parse("10.1.2.0/24")}};
  EXPECT_EQ(verdict(with({})), "anybody");
  HttpRequestHead from_elsewhere = with({});
  from_elsewhere.peer.address = "10.1.3.1";
  EXPECT_EQ(verdict(from_elsewhere), "client_not_allowed");
}

TEST_F(ListenerAccessTest, TakesTokensThatItIssuedForTheirTime) {
  listener_.public_keys = {{"lab.a", "pem"}};
  EXPECT_EQ(verdict(with({})), "unauthenticated");
  const Secret token = issued_->issue("lab.a");
  const HttpRequestHead head = with({{"Authorization", "Bearer " + std::string(token.reveal())}});
  EXPECT_EQ(verdict(head), "lab.a");
  issued_->keep_only({"lab.b"});
  EXPECT_EQ(verdict(head), "unauthenticated");
}

}  // namespace
}  // namespace relay
