// What a reload goes by: a value that changed is seen, one that stayed isn't, and no order or spelling around it
// counts.
#include "settings/configuration_print.hpp"

#include <gtest/gtest.h>

#include "settings/load.hpp"
#include "settings/references.hpp"
#include "unit/settings/temporary_folder.hpp"

namespace relay {
namespace {

using Names = std::vector<std::string>;

class ConfigurationPrintTest : public testing::Test {
 protected:
  ConfigurationPrint print(const std::string& text) {
    const auto loaded = load_settings(folder_.write("edge-relay.yaml", text));
    EXPECT_TRUE(loaded.ok()) << loaded.error().front().text();
    return loaded ? loaded->print : ConfigurationPrint();
  }
  std::string archive() const { return "{type: directory, path: " + folder_.path().string() + "}"; }

  const TemporaryFolder folder_;
};

TEST_F(ConfigurationPrintTest, TheSameValuesHaveTheSamePrintInAnyOrder) {
  const auto one = print("destinations:\n  a: {type: directory, path: /tmp, concurrency: 4}\n");
  const auto two =
      print("# a comment\ndestinations:\n  a:\n    path: '/tmp'\n    concurrency: 4\n    type: directory\n");
  EXPECT_EQ(one.of("destinations.a"), two.of("destinations.a"));
  EXPECT_EQ(one.differences(two, "destinations"), Names{});
}

TEST_F(ConfigurationPrintTest, AnotherDestinationIsOfNoConcern) {
  const auto one = print("destinations: {a: " + archive() + "}\n");
  const auto two = print("destinations: {a: " + archive() + ", ab: " + archive() + "}\notherwise: [a]\n");
  EXPECT_EQ(one.of("destinations.a"), two.of("destinations.a"));
  EXPECT_NE(one.of("destinations"), two.of("destinations"));
}

TEST_F(ConfigurationPrintTest, AFileBehindAReferenceOrAPathCounts) {
  const std::string place = folder_.write("place", folder_.path().string() + "\n");
  const std::string certificates = folder_.write("ca.pem", "-----BEGIN CERTIFICATE-----\none");
  const std::string text = "destinations:\n  a: {type: directory, path: '${file:" + place + "}'}\n";
  const auto before = print(text);
  EXPECT_EQ(before.of("destinations.a"), print(text).of("destinations.a"));
  folder_.write("place", "/tmp");
  EXPECT_NE(before.of("destinations.a"), print(text).of("destinations.a"));

  const std::string with_ca =
      "destinations:\n  a: {type: azure_storage_queue, connection_string: UseDevelopmentStorage=true, ca_file: " +
      certificates + "}\n";
  const auto first = print(with_ca);
  folder_.write("ca.pem", "-----BEGIN CERTIFICATE-----\ntwo");
  EXPECT_NE(first.of("destinations.a"), print(with_ca).of("destinations.a"));
}

TEST_F(ConfigurationPrintTest, NamesTheKeysThatDiffer) {
  const std::string destinations = "destinations: {a: " + archive() + "}\n";
  const auto plain = print(destinations);
  const auto changed =
      print(destinations + "journal: {max_size: 60GiB, keep_record: 2y, keep_delivered_payload: 1d}\n");
  EXPECT_EQ(plain.differences(changed, "journal"), (Names{"journal.keep_delivered_payload", "journal.max_size"}))
      << "a default that is written out is no difference";
  EXPECT_EQ(changed.differences(plain, "journal"), (Names{"journal.keep_delivered_payload", "journal.max_size"}));
  EXPECT_EQ(changed.differences(changed, "journal"), Names{});
}

TEST_F(ConfigurationPrintTest, ACredentialStaysWhatItWasAtTheStart) {
  const SetEnvironment credentials("CREDENTIALS_DIRECTORY", folder_.path().string());
  folder_.write("place", "/tmp");
  const std::string text = "destinations:\n  a: {type: directory, path: '${credential:place}'}\n";
  const auto before = print(text);
  EXPECT_EQ(before.changed_credentials(), Names{});
  folder_.write("place", "/var/tmp\n");
  EXPECT_EQ(*resolve_references("${credential:place}"), "/tmp");
  const auto after = print(text);
  EXPECT_EQ(after.changed_credentials(), Names{"destinations.a.path"});
  EXPECT_EQ(before.of("destinations.a"), after.of("destinations.a"));
}

}  // namespace
}  // namespace relay
