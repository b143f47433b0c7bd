// Destination `sftp` as it is configured.
#include <gtest/gtest.h>

#include "base/json_web_key.hpp"
#include "unit/settings/temporary_folder.hpp"

namespace relay {
namespace {

const std::string no_key = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

// The beginning of what ssh-keygen writes.
std::string openssh_key(const std::string& cipher, const std::string& kind) {
  const auto text = [](const std::string& word) {
    return std::string(3, '\0') + static_cast<char>(word.size()) + word;
  };
  const std::string bytes = std::string("openssh-key-v1") + '\0' + text(cipher) + text("none") + text("") + text(kind);
  return "-----BEGIN OPENSSH PRIVATE KEY-----\n" + base64_encode(bytes) + "\n-----END OPENSSH PRIVATE KEY-----\n";
}

class SftpSettingsTest : public testing::Test {
 protected:
  std::string with(const std::string& keys) const {
    return folder.write("edge-relay.yaml", "destinations:\n  out:\n    type: sftp\n" + keys);
  }
  // All that is needed but for what `instead` names.
  std::string lines(std::map<std::string, std::string> instead) const {
    std::map<std::string, std::string> all = {
        {"url", "sftp://sftp.example"}, {"user", "lab"}, {"password", "secret"}, {"host_key_sha256", no_key}};
    for (auto& [key, value] : instead) all[key] = value;
    std::string text;
    for (const auto& [key, value] : all)
      if (!value.empty()) text += "    " + key + ": " + value + "\n";
    return text;
  }
  SftpSettings load(const std::map<std::string, std::string>& instead = {}) const {
    const auto loaded = load_settings(with(lines(instead)));
    if (!loaded) {
      for (const auto& problem : loaded.error()) ADD_FAILURE() << problem.text();
      return {};
    }
    return std::get<SftpSettings>(loaded->settings.destinations.at(0).system);
  }
  std::string problem(const std::map<std::string, std::string>& instead) const {
    const auto loaded = load_settings(with(lines(instead)));
    if (loaded) return "no problem";
    std::string all;
    for (const auto& each : loaded.error()) all += each.text() + "\n";
    return all;
  }
  TemporaryFolder folder;
};

TEST_F(SftpSettingsTest, AnAddressHasHostPortAndFolder) {
  const auto plain = load();
  EXPECT_EQ(plain.host, "sftp.example");
  EXPECT_EQ(plain.port, 22);
  EXPECT_EQ(plain.folder, "");
  EXPECT_TRUE(plain.path.holds(NameField::extension));
  const auto whole = load({{"url", "'sftp://[::1]:2222/in/here/'"}});
  EXPECT_EQ(whole.host, "::1");
  EXPECT_EQ(whole.port, 2222);
  EXPECT_EQ(whole.folder, "/in/here");
}

TEST_F(SftpSettingsTest, AFingerprintIsTakenAsToolsShowIt) {
  std::string hex;
  for (int i = 0; i < 32; ++i) hex += "0f";
  const Digest expected = load({{"host_key_sha256", "\"" + hex + "\""}}).host_key_sha256;
  EXPECT_EQ(expected.hex(), hex);
  std::string text = base64_encode(std::string(32, '\x0f'));
  EXPECT_EQ(load({{"host_key_sha256", "SHA256:" + text}}).host_key_sha256, expected);
  text.pop_back();
  EXPECT_EQ(load({{"host_key_sha256", "SHA256:" + text}}).host_key_sha256, expected);
  EXPECT_EQ(load({{"host_key_sha256", text}}).host_key_sha256, expected);
}

TEST_F(SftpSettingsTest, AKeyIsReadFromItsFileAndReadAgain) {
  const auto pem = [] { return JsonWebKey::generate(JwsAlgorithm::es384).private_pem(); };
  const std::string file = folder.write("key", pem().reveal());
  auto settings = load({{"password", ""}, {"key", file}});
  EXPECT_TRUE(settings.key.value().reveal().starts_with("-----BEGIN"));
  const std::string before(settings.key.value().reveal());
  folder.write("key", pem().reveal());
  EXPECT_TRUE(*settings.key.refresh());
  EXPECT_NE(settings.key.value().reveal(), before);
}

TEST_F(SftpSettingsTest, AnRsaKeyIsAWarning) {
  for (const auto& [text, warnings] :
       {std::pair{openssh_key("none", "ssh-rsa"), 1}, {openssh_key("none", "ssh-ed25519"), 0}}) {
    const auto loaded = load_settings(with(lines({{"password", ""}, {"key", folder.write("key", text)}})));
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->warnings.size(), static_cast<std::size_t>(warnings));
  }
}

TEST_F(SftpSettingsTest, AllFieldsTogetherFitIntoAFilesName) {
  const auto settings = load({{"path", "'{client}~{timestamp}~STOP~{payload_name}~{id}.{extension}'"}});
  EXPECT_EQ(settings.path.longest_file_name(), 248U);
}

TEST_F(SftpSettingsTest, WhatIsWrongIsNamed) {
  const std::string no_pem = folder.write("no-pem", "hello\n");
  const std::string locked = folder.write("locked", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nx\n");
  const std::string locked_openssh = folder.write("locked-openssh", openssh_key("aes256-ctr", "ssh-ed25519"));
  const std::vector<std::pair<std::map<std::string, std::string>, std::string>> wrong = {
      {{{"url", ""}}, "url is missing"},
      {{{"url", "https://sftp.example"}}, "url: must begin with sftp://"},
      {{{"url", "sftp://lab@sftp.example"}}, "the user goes into `user`"},
      {{{"url", "sftp://sftp.example:0"}}, "url: has a port"},
      {{{"user", ""}}, "user is missing"},
      {{{"password", ""}}, "needs either password or key"},
      {{{"key", no_pem}}, "needs either password or key"},
      {{{"password", ""}, {"key", no_pem}}, "key: holds no private key"},
      {{{"password", ""}, {"key", locked}}, "key: is protected by a passphrase"},
      {{{"password", ""}, {"key", "/nowhere/key"}}, "key: "},
      {{{"host_key_sha256", ""}}, "host_key_sha256 is missing"},
      {{{"host_key_sha256", "MD5:00"}}, "host_key_sha256: isn't a key's SHA-256"},
      {{{"path", "x"}}, "path: must hold {id}"},
      {{{"path", "'{id}/x'"}}, "path: {id} stands in a folder's name"},
      {{{"path", "'a{client}{client}/{id}{client}{client}{payload_name}'"}},
       "path: could become a file's name of 316 bytes"},
      {{{"password", ""}, {"key", locked_openssh}}, "key: is protected by a passphrase"},
      {{{"path", "'../{id}'"}}, "path: must not hold '..'"},
      {{{"proxy", "http://p.example"}}, "proxy"},
  };
  for (const auto& [instead, word] : wrong) {
    const std::string found = problem(instead);
    EXPECT_NE(found.find(word), std::string::npos) << word << " in\n" << found;
  }
}

}  // namespace
}  // namespace relay
