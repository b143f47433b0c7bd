// The HTTP server under TLS: who gets in, with what, and how connections end.
#include <openssl/ssl.h>

#include "support/test_certificate.hpp"
#include "support/tls_client.hpp"
#include "unit/base/http_server_fixture.hpp"

namespace relay::test {
namespace {

const std::string closing_request = "GET /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

class HttpServerTlsTest : public HttpServerTest {
 protected:
  void serve_tls(const std::string& client_ca = "") {
    options_.tls = *TlsContext::make({identity_.certificate_pem, identity_.key_pem, client_ca});
    handler_ = [](const HttpRequestHead& head, HttpBody& body) -> boost::asio::awaitable<HttpResponse> {
      HttpResponse response = co_await echo(head, body);
      if (head.peer.certificate) {
        response.body += head.peer.certificate->subject_cn + ' ';
        for (const auto& name : head.peer.certificate->san_dns) response.body += name;
      }
      co_return response;
    };
    serve();
  }
  TlsClient connect(TlsClientOptions options = {}) {
    options.trusted_pem = identity_.certificate_pem;
    return TlsClient(server_->port(), options);
  }

  const TestCertificate identity_ = make_test_certificate();
  const TestCertificate known_ = make_test_certificate("lab-a.example");
  const TestCertificate unknown_ = make_test_certificate("lab-b.example");
};

TEST_F(HttpServerTlsTest, AnswersAndSaysGoodbye) {
  serve_tls();
  TlsClient client = connect();
  ASSERT_TRUE(client.connected()) << client.failure();
  client.send(closing_request);
  const std::string answer = client.read_to_end();
  EXPECT_NE(answer.find("200 OK"), std::string::npos) << answer;
  EXPECT_FALSE(client.truncated()) << client.failure();
}

TEST_F(HttpServerTlsTest, SaysGoodbyeAlsoWhereTheBodyIsLeftUnread) {
  options_.tls = *TlsContext::make({identity_.certificate_pem, identity_.key_pem, ""});
  handler_ = refuse;
  serve();
  TlsClient client = connect();
  client.send("POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n" + std::string(50'000, 'x'));
  const std::string answer = client.read_to_end();
  EXPECT_NE(answer.find(" 413 "), std::string::npos) << answer;
  EXPECT_FALSE(client.truncated()) << client.failure();
}

TEST_F(HttpServerTlsTest, TakesALargeBodyWhole) {
  serve_tls();
  TlsClient client = connect();
  const std::string body(300'000, 'b');
  client.send("POST /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 300000\r\n\r\n" + body);
  const std::string answer = client.read_to_end();
  EXPECT_TRUE(answer.ends_with("POST /x  " + body)) << answer.size();
}

TEST_F(HttpServerTlsTest, RefusesWhatIsOlderThanTls12) {
  serve_tls();
  EXPECT_TRUE(connect({"", {}, TLS1_2_VERSION}).connected());
  EXPECT_FALSE(connect({"", {}, TLS1_1_VERSION}).connected());
}

TEST_F(HttpServerTlsTest, RefusesCiphersWithoutForwardSecrecyOrAuthentication) {
  serve_tls();
  EXPECT_TRUE(connect({"", {}, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256"}).connected());
  for (const char* weak : {"AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "aNULL", "ECDHE-ECDSA-AES256-SHA384"}) {
    EXPECT_FALSE(connect({"", {}, TLS1_2_VERSION, weak}).connected()) << weak;
  }
}

TEST_F(HttpServerTlsTest, LetsInOnlyClientsWhoseAuthorityItKnows) {
  serve_tls(known_.certificate_pem);
  // TLS 1.3 tells a client only when it reads that it wasn't let in.
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const auto& own : {TestCertificate{}, unknown_}) {
      TlsClient stranger = connect({"", own, version});
      if (stranger.connected()) stranger.send(closing_request);
      EXPECT_EQ(stranger.connected() ? stranger.read_to_end() : "", "") << version;
    }
    TlsClient friendly = connect({"", known_, version});
    ASSERT_TRUE(friendly.connected()) << friendly.failure();
    friendly.send(closing_request);
    const std::string answer = friendly.read_to_end();
    EXPECT_TRUE(answer.ends_with("lab-a.example lab-a.example")) << answer;
  }
}

TEST_F(HttpServerTlsTest, RefusesAnExpiredClientCertificate) {
  const TestCertificate expired = make_test_certificate("lab-c.example", true);
  serve_tls(expired.certificate_pem);
  TlsClient client = connect({"", expired, TLS1_2_VERSION});
  EXPECT_FALSE(client.connected());
}

TEST_F(HttpServerTlsTest, GivesNewConnectionsAChangedCertificateAndLetsTheOldOnesBe) {
  serve_tls();
  TlsClient before = connect();
  HttpServerOptions changed = options_;
  changed.tls = *TlsContext::make({known_.certificate_pem, known_.key_pem, ""});
  server_->change(changed);
  const TlsClient after(server_->port(), {known_.certificate_pem});
  EXPECT_TRUE(after.connected()) << after.failure();
  EXPECT_EQ(after.server_certificate_pem(), known_.certificate_pem);
  before.send(closing_request);
  EXPECT_NE(before.read_to_end().find("200 OK"), std::string::npos);
}

TEST_F(HttpServerTlsTest, CutsAHandshakeThatDoesntCome) {
  options_.request_timeout = std::chrono::milliseconds(200);
  serve_tls();
  EXPECT_TRUE(client().at_end());
}

TEST_F(HttpServerTlsTest, AnswersNothingToPlainHttp) {
  serve_tls();
  RawHttpClient plain = client();
  EXPECT_FALSE(plain.exchange(closing_request));
}

TEST_F(HttpServerTlsTest, EndsIdleConnectionsWhenItStops) {
  serve_tls();
  TlsClient idle = connect();
  idle.send("GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n");
  std::promise<void> drained;
  server_->stop([&] { drained.set_value(); });
  drained.get_future().wait();
  const std::string answer = idle.read_to_end();
  EXPECT_NE(answer.find("200 OK"), std::string::npos) << answer << idle.failure();
}

}  // namespace
}  // namespace relay::test
