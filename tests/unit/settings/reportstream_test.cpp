// Destination `reportstream` as it is configured.
#include <gtest/gtest.h>

#include "base/json_web_key.hpp"
#include "unit/settings/temporary_folder.hpp"

namespace relay {
namespace {

class ReportStreamSettingsTest : public testing::Test {
 protected:
  std::string with(const std::string& keys) const {
    return folder.write("edge-relay.yaml", "destinations:\n  rs:\n    type: reportstream\n" + keys);
  }
  std::string jwt(const std::string& more = "", JwsAlgorithm algorithm = JwsAlgorithm::es384) const {
    const auto key = folder.write("key.pem", JsonWebKey::generate(algorithm).private_pem().reveal());
    return "    url: https://rs.example:8443/base/\n    auth: {type: private_key_jwt, key: \"${file:" + key + "}\"" +
           more + "}\n";
  }
  ReportStreamSettings load(const std::string& keys) const {
    const auto loaded = load_settings(with(keys));
    if (!loaded) {
      for (const auto& problem : loaded.error()) ADD_FAILURE() << problem.text();
      return {};
    }
    return std::get<ReportStreamSettings>(loaded->settings.destinations.at(0).system);
  }
  std::string problem(const std::string& keys) const {
    const auto loaded = load_settings(with(keys));
    if (loaded) return "no problem";
    std::string all;
    for (const auto& each : loaded.error()) all += each.text() + "\n";
    return all;
  }
  TemporaryFolder folder;
};

TEST_F(ReportStreamSettingsTest, WhatIsntWrittenHasItsDefault) {
  const auto settings = load(jwt());
  EXPECT_EQ(settings.url, "https://rs.example:8443/base");
  EXPECT_TRUE(settings.follow_up);
  EXPECT_EQ(settings.client, "");
  const auto& auth = std::get<PrivateKeyJwtSettings>(settings.auth);
  EXPECT_EQ(auth.token_url, "https://rs.example:8443/base/api/token");
  EXPECT_EQ(auth.audience, "rs.example");
  EXPECT_EQ(auth.issuer, "");
  EXPECT_FALSE(auth.algorithm);
}

TEST_F(ReportStreamSettingsTest, EveryKeyIsTaken) {
  const auto settings = load(jwt(", key_id: k, issuer: lab, subject: s, audience: a, token_url: https://t.example/x,"
                                 " algorithm: RS384, scope: lab.x.report",
                                 JwsAlgorithm::rs256) +
                             "    client: lab.default\n    content_type: application/hl7-v2\n    follow_up: false\n");
  const auto& auth = std::get<PrivateKeyJwtSettings>(settings.auth);
  EXPECT_EQ(auth.key_id, "k");
  EXPECT_EQ(auth.subject, "s");
  EXPECT_EQ(auth.audience, "a");
  EXPECT_EQ(auth.token_url, "https://t.example/x");
  EXPECT_EQ(auth.algorithm, JwsAlgorithm::rs384);
  EXPECT_EQ(auth.scope, "lab.x.report");
  EXPECT_EQ(settings.client, "lab.default");
  EXPECT_FALSE(settings.follow_up);
  const auto function = load("    url: https://rs.example\n    auth: {type: function_key, key: abc}\n");
  EXPECT_EQ(std::get<FunctionKeySettings>(function.auth).key.value().reveal(), "abc");
}

TEST_F(ReportStreamSettingsTest, WhatIsWrongIsNamed) {
  const auto names = [&](const std::string& keys, const std::string& words) {
    EXPECT_NE(problem(keys).find(words), std::string::npos) << words << "\n" << problem(keys);
  };
  names("    auth: {type: function_key, key: k}\n", "url is missing");
  names("    url: https://rs.example\n", "auth is missing");
  names("    url: https://rs.example\n    auth: {key: k}\n", "type is missing");
  names("    url: https://rs.example\n    auth: {type: basic}\n", "auth.type");
  names("    url: https://rs.example\n    auth: {type: private_key_jwt}\n", "key is missing");
  names("    url: https://rs.example\n    auth: {type: private_key_jwt, key: secret-text}\n", "isn't a private key");
  names("    url: https://rs.example\n    auth: {type: function_key, key: k, scope: x}\n",
        "belongs to type: private_key_jwt");
  names("    url: https://rs.example\n    auth: {type: function_key, key: \"a b\"}\n", "no function's key has");
  names(jwt(", algorithm: ES256"), "doesn't go with this key");
  names(jwt(", algorithm: HS256"), "isn't RS256, RS384, ES256 or ES384");
  names(jwt(", issuer: lab") + "    client: state.elr\n", "of another org");
  names(jwt() + "    client: \"no client\"\n", "isn't a client's name");
  names(jwt() + "    content_type: hl7\n", "isn't a media type");
  names(jwt(", isuer: lab"), "did you mean `issuer`?");
  EXPECT_EQ(
      problem("    url: https://rs.example\n    auth: {type: private_key_jwt, key: secret-text}\n").find("secret-text"),
      std::string::npos);
}

}  // namespace
}  // namespace relay
