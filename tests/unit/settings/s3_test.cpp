// Destination `s3` as it is configured.
#include <gtest/gtest.h>

#include "unit/settings/temporary_folder.hpp"

namespace relay {
namespace {

const std::string keys_and_bucket = "    bucket: reports\n    access_key: AKID\n    secret_key: s/e+c\n";

class S3SettingsTest : public testing::Test {
 protected:
  std::string with(const std::string& keys) const {
    return folder.write("edge-relay.yaml", "destinations:\n  lake:\n    type: s3\n" + keys);
  }
  S3Settings load(const std::string& keys) const {
    const auto loaded = load_settings(with(keys_and_bucket + keys));
    if (!loaded) {
      for (const auto& problem : loaded.error()) ADD_FAILURE() << problem.text();
      return {};
    }
    return std::get<S3Settings>(loaded->settings.destinations.at(0).system);
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

TEST_F(S3SettingsTest, WhatIsntWrittenHasItsDefault) {
  const auto amazon = load("    region: eu-west-1\n");
  EXPECT_EQ(amazon.endpoint, "https://s3.eu-west-1.amazonaws.com");
  EXPECT_FALSE(amazon.path_style);
  EXPECT_TRUE(amazon.if_none_match);
  EXPECT_EQ(amazon.key.pieces().size(), 3U);
  EXPECT_TRUE(amazon.key.holds(NameField::client));
  EXPECT_EQ(amazon.content_type, "");
  EXPECT_EQ(amazon.server_side_encryption, "");
  const auto own = load("    endpoint: http://127.0.0.1:9000/\n");
  EXPECT_EQ(own.endpoint, "http://127.0.0.1:9000");
  EXPECT_EQ(own.region, "us-east-1");
  EXPECT_TRUE(own.path_style) << "an address has no names below it";
}

TEST_F(S3SettingsTest, EveryKeyIsTaken) {
  const auto settings = load(
      "    endpoint: https://minio.lab.example\n    region: r-1\n    key: 'a b/{date}/{id}'\n    session_token: t==\n"
      "    kms_key: arn:aws:kms:x\n    metadata: {Sender: LAB 014, Id: '{id}'}\n    content_type: text/plain\n"
      "    path_style: true\n    if_none_match: false\n    proxy: http://proxy.example:3128\n");
  EXPECT_EQ(settings.endpoint, "https://minio.lab.example");
  EXPECT_EQ(settings.session_token.value().reveal(), "t==");
  EXPECT_EQ(settings.server_side_encryption, "aws:kms") << "a key means that";
  ASSERT_EQ(settings.metadata.size(), 2U);
  EXPECT_EQ(settings.metadata[0].first, "Sender");
  EXPECT_TRUE(settings.metadata[1].second.holds(NameField::id));
  EXPECT_EQ(settings.content_type, "text/plain");
  EXPECT_TRUE(settings.path_style);
  EXPECT_FALSE(settings.if_none_match);
}

TEST_F(S3SettingsTest, WhatIsWrongIsNamed) {
  const std::string nothing = problem("    concurrency: 1\n");
  for (const char* word : {"region is missing", "bucket is missing", "access_key is missing", "secret_key is missing"})
    EXPECT_NE(nothing.find(word), std::string::npos) << word << " in\n" << nothing;
  for (const auto& [keys, word] : std::vector<std::pair<std::string, std::string>>{
           {"key: x", "lake.key: must hold {id}"},
           {"key: '{client}{id}" + std::string(900, 'x') + "'", "lake.key: could become 1036 bytes long"},
           {"metadata: {a: '" + std::string(2000, 'x') + "'}", "lake.metadata: could become 2050 bytes"},
           {"key: 'x{id}{name}'", "lake.key: holds a brace"},
           {"key: '/x{id}'", "lake.key: must not begin with '/'"},
           {"key: 'a/../{id}'", "must not begin with '/' or hold '.' or '..'"},
           {"metadata: [a]", "lake.metadata: must be a section"},
           {"metadata: {a: b, A: c}", "lake.metadata.A stands here a second time"},
           {"metadata: {edge-relay-id: c}", "lake.metadata.edge-relay-id is the relay's own"},
           {"metadata: {a: \"b\\r\\nX: y\"}", "lake.metadata.a: must be printable ASCII"},
           {"metadata: {a: \"b  c\"}", "lake.metadata.a: must be printable ASCII"},
           {"metadata: {\"a b\": c}", "lake.metadata: a name is letters"},
           {"server_side_encryption: aes", "isn't AES256, aws:kms or aws:kms:dsse"},
           {"{server_side_encryption: AES256, kms_key: k}", "lake.kms_key: needs server_side_encryption: aws:kms"},
           {"{endpoint: 'http://localhost:9000', path_style: false}", "lake.path_style: must be true"},
           {"content_type: text", "isn't a media type"},
           {"access_key: 'a b'", "lake.access_key: holds characters"}}) {
    std::string lines = keys.starts_with('{') ? keys.substr(1, keys.size() - 2) : keys;
    if (keys.starts_with('{')) lines.replace(lines.find(", "), 2, "\n    ");
    const std::string base = keys.starts_with("access_key") ? "    bucket: reports\n    secret_key: s\n    region: r\n"
                                                            : keys_and_bucket + "    region: r\n";
    const std::string found = problem(base + "    " + lines + "\n");
    EXPECT_NE(found.find(word), std::string::npos) << word << " in\n" << found;
  }
}

}  // namespace
}  // namespace relay
