// Destinations `http` and `mllp` as they are configured.
#include <gtest/gtest.h>

#include "support/test_certificate.hpp"
#include "unit/settings/temporary_folder.hpp"

namespace relay {
namespace {

class HttpAndMllpSettings : public testing::Test {
 protected:
  DestinationSettings load(const std::string& keys) const {
    const auto loaded = load_settings(folder.write("edge-relay.yaml", "destinations:\n  there:\n" + keys));
    if (!loaded) {
      for (const auto& problem : loaded.error()) ADD_FAILURE() << problem.text();
      return {};
    }
    return loaded->settings.destinations.at(0);
  }
  TemporaryFolder folder;
};

TEST_F(HttpAndMllpSettings, HttpHasItsDefaults) {
  const auto settings = load("    type: http\n    url: https://a.example/in/\n");
  const auto& http = std::get<HttpSettings>(settings.system);
  EXPECT_EQ(http.url_before_fields, "https://a.example/in/") << "a slash at the end means something";
  EXPECT_EQ(http.method, "POST");
  EXPECT_EQ(http.accept_status, (std::vector<unsigned>{200, 201, 202, 204}));
  EXPECT_EQ(http.refuse_status, (std::vector<unsigned>{400, 413, 415, 422}));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(http.auth));
  EXPECT_FALSE(settings.rate);
  EXPECT_EQ(settings.concurrency, 16U);
}

TEST_F(HttpAndMllpSettings, EveryKeyOfHttpIsTaken) {
  const TestCertificate own = make_test_certificate();
  const auto certificate = folder.write("own.pem", own.certificate_pem);
  const auto key = folder.write("own.key", own.key_pem);
  const auto settings = load(
      "    type: http\n    url: 'https://a.example/{client}?id={id}'\n    method: PATCH\n"
      "    headers: {X-A: '{date}'}\n"
      "    auth: {type: oauth, token_url: 'https://t.example/x', client_id: i, client_secret: s, scope: 'a b'}\n"
      "    client_certificate: {certificate: " +
      certificate + ", key: " + key +
      "}\n"
      "    accept: {status: [202], content_type: Application/JSON, body_contains: taken}\n"
      "    refuse: {status: [409]}\n    rate: 30/m\n");
  const auto& http = std::get<HttpSettings>(settings.system);
  EXPECT_EQ(http.url_before_fields, "https://a.example/");
  EXPECT_TRUE(http.url.holds(NameField::id));
  EXPECT_EQ(http.method, "PATCH");
  ASSERT_EQ(http.headers.size(), 1U);
  EXPECT_EQ(http.headers[0].name, "X-A");
  const auto& oauth = std::get<HttpOAuthSettings>(http.auth);
  EXPECT_EQ(oauth.token_url, "https://t.example/x");
  EXPECT_EQ(oauth.client_id, "i");
  EXPECT_EQ(oauth.client_secret.value().reveal(), "s");
  EXPECT_EQ(oauth.scope, "a b");
  EXPECT_EQ(http.client_certificate.certificate, certificate);
  EXPECT_EQ(http.client_certificate.key, key);
  EXPECT_EQ(http.accept_status, std::vector<unsigned>{202});
  EXPECT_EQ(http.accept_content_type, "application/json");
  EXPECT_EQ(http.accept_body_contains, "taken");
  EXPECT_EQ(http.refuse_status, std::vector<unsigned>{409});
  EXPECT_EQ(settings.rate->per_second, 0.5);
}

TEST_F(HttpAndMllpSettings, MllpHasOneMessageInFlightAndItsDefaults) {
  const auto settings = load("    type: mllp\n    address: lis.example:2575\n");
  const auto& mllp = std::get<MllpDestinationSettings>(settings.system);
  EXPECT_EQ(mllp.host, "lis.example");
  EXPECT_EQ(mllp.port, 2575);
  EXPECT_FALSE(mllp.tls);
  EXPECT_EQ(mllp.ack_timeout, std::chrono::seconds(30));
  EXPECT_EQ(settings.concurrency, 1U);
}

TEST_F(HttpAndMllpSettings, EveryKeyOfMllpIsTaken) {
  const TestCertificate own = make_test_certificate();
  const auto certificate = folder.write("own.pem", own.certificate_pem);
  const auto key = folder.write("own.key", own.key_pem);
  const auto section =
      load("    type: mllp\n    address: '[::1]:2575'\n    ack_timeout: 5s\n    tls: {certificate: " + certificate +
           ", key: " + key + ", ca_file: " + certificate + "}\n");
  const auto& mllp = std::get<MllpDestinationSettings>(section.system);
  EXPECT_EQ(mllp.host, "::1");
  EXPECT_TRUE(mllp.tls);
  EXPECT_EQ(mllp.ca_file, certificate);
  EXPECT_EQ(mllp.client_certificate.key, key);
  EXPECT_EQ(mllp.ack_timeout, std::chrono::seconds(5));
  const auto plain = load("    type: mllp\n    address: a:1\n    tls: true\n    ca_file: " + certificate + "\n");
  EXPECT_TRUE(std::get<MllpDestinationSettings>(plain.system).tls);
  EXPECT_EQ(std::get<MllpDestinationSettings>(plain.system).ca_file, certificate);
}

}  // namespace
}  // namespace relay
