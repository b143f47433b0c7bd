// The configuration that is shipped, and the examples: people start from them, so they must be right.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <regex>
#include <sstream>

#include "base/digest.hpp"
#include "base/json_web_key.hpp"
#include "settings/key_table.hpp"
#include "support/test_certificate.hpp"
#include "unit/settings/temporary_folder.hpp"

namespace relay {
namespace {

const std::filesystem::path config = std::filesystem::path(RELAY_SOURCE_FOLDER) / "config";

std::string text_of(const std::filesystem::path& file) {
  std::ifstream stream(file);
  EXPECT_TRUE(stream) << file;
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

void expect_loads(const std::string& file) {
  const auto loaded = load_settings(file);
  if (loaded) {
    for (const auto& warning : loaded->warnings) ADD_FAILURE() << warning.text();
  } else {
    for (const auto& problem : loaded.error()) ADD_FAILURE() << problem.text();
  }
}

TEST(ShippedFiles, EveryExampleLoadsWithoutAWarning) {
  const TemporaryFolder folder;
  folder.write("reportstream", "UseDevelopmentStorage=true\n");
  for (const char* name : {"aims-access-key", "aims-secret-key"}) folder.write(name, "AKID\n");
  folder.write("aims-sftp-key", JsonWebKey::generate(JwsAlgorithm::es384).private_pem().reveal());
  folder.write("reportstream-key", JsonWebKey::generate(JwsAlgorithm::es384).private_pem().reveal());
  folder.write("journal-key", base64_encode(std::string(32, 'k')));
  const TestCertificate own = make_test_certificate("relay.lab.example");
  folder.write("relay-certificate", own.certificate_pem);
  folder.write("relay-key", own.key_pem);
  folder.write("senders-ca", own.certificate_pem);
  folder.write("state-secret", "PLANTED\n");
  folder.write("proxy", "relay:PLANTED\n");
  const SetEnvironment credentials("CREDENTIALS_DIRECTORY", folder.path().string());
  const SetEnvironment archive("EDGE_RELAY_ARCHIVE", folder.path().string());
  const SetEnvironment queue("REPORTSTREAM_QUEUE_SAS", "sv=1&sp=a&sig=x");
  const SetEnvironment blob("REPORTSTREAM_BLOB_SAS", "sv=1&sp=cw&sig=x");
  const SetEnvironment table("REPORTSTREAM_TABLE_SAS", "sv=1&sp=a&sig=x");
  int count = 0;
  for (const auto& file : std::filesystem::directory_iterator(config / "examples")) {
    SCOPED_TRACE(file.path());
    // Where a path is written out, this machine has none of that name.
    const std::regex outbox("/var/spool/edge-relay/outbox");
    const std::string text = std::regex_replace(text_of(file.path()), outbox, folder.path().string());
    expect_loads(folder.write("example.yaml", text));
    ++count;
  }
  EXPECT_GE(count, 11);
}

TEST(ShippedFiles, TheConfigurationOnlyLacksADestination) {
  const auto problems = problems_of((config / "edge-relay.yaml").string());
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_NE(problems[0].find("error: destinations: there is none"), std::string::npos);
}

// With every key that is commented out taken in, each has its default: so the file tells no fairy tales.
TEST(ShippedFiles, WhatIsCommentedOutIsTheDefault) {
  const TemporaryFolder folder;
  const std::string secret = folder.write("string", "UseDevelopmentStorage=true");
  std::string text =
      std::regex_replace(text_of(config / "edge-relay.yaml"), std::regex("(^|\n)( *)#(?=[a-z-]|  |\n)"), "$1$2");
  text = std::regex_replace(
      text, std::regex("/etc/edge-relay/(reportstream-connection-string|s3-access-key|s3-secret-key)"), secret);
  std::filesystem::create_directory(folder.path() / "archive");
  std::filesystem::create_directory(folder.path() / "outbox");
  text = std::regex_replace(text, std::regex("/srv/edge-relay/archive"), (folder.path() / "archive").string());
  text = std::regex_replace(text, std::regex("/var/spool/edge-relay/outbox"), (folder.path() / "outbox").string());
  const std::string key = folder.write("key.pem", JsonWebKey::generate(JwsAlgorithm::es384).private_pem().reveal());
  const std::string state_secret = folder.write("state-secret", "PLANTED\n");
  text = std::regex_replace(text, std::regex("/etc/edge-relay/state-client-secret"), state_secret);
  text = std::regex_replace(text, std::regex("/etc/edge-relay/(reportstream-key.pem|sftp-key)"), key);
  const TestCertificate own = make_test_certificate();
  const std::string certificate = folder.write("relay.pem", own.certificate_pem);
  const std::string tls_key = folder.write("relay.key", own.key_pem);
  text = std::regex_replace(text, std::regex("/etc/edge-relay/(relay|senders-ca).pem"), certificate);
  text = std::regex_replace(text, std::regex("/etc/edge-relay/relay.key"), tls_key);
  // These have no default to be compared.
  text = std::regex_replace(text, std::regex("\n *(site|clients|encryption_key): [^\n]*|\n *client: lab.default"), "");
  const std::string file = folder.write("all.yaml", text);
  expect_loads(file);
  const auto loaded = load_settings(file);
  ASSERT_TRUE(loaded);

  const Settings& settings = loaded->settings;
  const Settings defaults;
  EXPECT_EQ(settings.journal.path, defaults.journal.path);
  EXPECT_EQ(settings.journal.max_size, defaults.journal.max_size);
  EXPECT_EQ(settings.journal.min_free_disk, defaults.journal.min_free_disk);
  EXPECT_EQ(settings.journal.allow_tmpfs, defaults.journal.allow_tmpfs);
  EXPECT_EQ(settings.journal.keep_delivered_payload, defaults.journal.keep_delivered_payload);
  EXPECT_EQ(settings.journal.keep_record, defaults.journal.keep_record);
  EXPECT_EQ(settings.journal.keep_audit, defaults.journal.keep_audit);
  EXPECT_EQ(settings.intake.max_payload, defaults.intake.max_payload);
  EXPECT_EQ(settings.intake.content_types, defaults.intake.content_types);
  EXPECT_EQ(settings.intake.memory, defaults.intake.memory);
  EXPECT_EQ(settings.intake.request_timeout, defaults.intake.request_timeout);
  EXPECT_EQ(settings.intake.keep_idempotency, defaults.intake.keep_idempotency);
  EXPECT_EQ(settings.intake.validate, defaults.intake.validate);
  ASSERT_EQ(settings.intake.http.size(), 2U);
  EXPECT_EQ(settings.intake.http[0].listen, HttpListenerSettings{}.listen);
  EXPECT_EQ(settings.intake.http[0].max_connections, HttpListenerSettings{}.max_connections);
  EXPECT_EQ(settings.intake.http[1].group, HttpListenerSettings{}.group);
  EXPECT_EQ(settings.intake.http[1].mode, HttpListenerSettings{}.mode);
  ASSERT_EQ(settings.intake.folder.size(), 1U);
  const FolderSettings& outbox = settings.intake.folder[0];
  EXPECT_EQ(outbox.content_type, FolderSettings{}.content_type);
  EXPECT_EQ(outbox.patterns, (std::vector<std::string>{"*.hl7", "*.txt"}));
  EXPECT_EQ(outbox.complete_when, FolderSettings{}.complete_when);
  EXPECT_EQ(outbox.settle, FolderSettings{}.settle);
  EXPECT_EQ(outbox.after, FolderSettings{}.after);
  EXPECT_EQ(outbox.keep_done, FolderSettings{}.keep_done);
  ASSERT_EQ(settings.intake.mllp.size(), 1U);
  const MllpListenerSettings& mllp = settings.intake.mllp[0];
  EXPECT_EQ(mllp.listen, MllpListenerSettings{}.listen);
  EXPECT_EQ(mllp.ack, MllpListenerSettings{}.ack);
  EXPECT_EQ(mllp.when_unavailable, MllpListenerSettings{}.when_unavailable);
  EXPECT_EQ(mllp.on_repeat, MllpListenerSettings{}.on_repeat);
  EXPECT_EQ(mllp.dedupe_window, MllpListenerSettings{}.dedupe_window);
  EXPECT_EQ(mllp.test_production_guard, MllpListenerSettings{}.test_production_guard);
  EXPECT_EQ(mllp.max_connections, MllpListenerSettings{}.max_connections);
  EXPECT_EQ(settings.admin.listen, defaults.admin.listen);
  EXPECT_EQ(settings.admin.socket, defaults.admin.socket);
  EXPECT_EQ(settings.admin.socket_group, defaults.admin.socket_group);
  EXPECT_EQ(settings.admin.socket_mode, defaults.admin.socket_mode);
  EXPECT_EQ(settings.forward_memory, defaults.forward_memory);
  EXPECT_EQ(settings.log_level, defaults.log_level);
  EXPECT_EQ(settings.log_format, defaults.log_format);
  EXPECT_EQ(settings.shutdown_grace, defaults.shutdown_grace);
  ASSERT_EQ(settings.destinations.size(), 7U);
}

TEST(ShippedFiles, TheConfigurationNamesEveryBuiltKeyWithTheTablesDefault) {
  const std::string text = text_of(config / "edge-relay.yaml");
  for (const KeySection* section : keys::all()) {
    for (const auto& key : section->keys) {
      if (!key.built) continue;
      // A default of several words is a description.
      const bool literal = !key.fallback.empty() && key.fallback.find(' ') == std::string_view::npos;
      const std::string wanted = std::string(key.name) + ":" + (literal ? " " + std::string(key.fallback) : "");
      EXPECT_NE(text.find(wanted), std::string::npos) << section->path << ": " << wanted;
    }
  }
}

TEST(ShippedFiles, TheTableOfKeysDocumentsEachOnce) {
  for (const KeySection* section : keys::all()) {
    std::vector<std::string> names = section->names();
    std::sort(names.begin(), names.end());
    EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end()) << section->path;
    for (const auto& key : section->keys) EXPECT_FALSE(key.about.empty()) << section->path << ' ' << key.name;
  }
}

}  // namespace
}  // namespace relay
