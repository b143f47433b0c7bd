// journal.encryption_key: one or a list, 32 bytes as base64 each, never shown.
#include <gtest/gtest.h>

#include "settings/load.hpp"
#include "unit/settings/temporary_folder.hpp"

namespace relay {
namespace {

constexpr const char* first_key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
constexpr const char* second_key = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

class EncryptionKey : public testing::Test {
 protected:
  std::string file(const std::string& value) {
    return folder.write("edge-relay.yaml",
                        "destinations: {cloud: {type: directory, path: /tmp}}\njournal:\n"
                        "  encryption_key: " +
                            value + "\n");
  }
  TemporaryFolder folder;
};

TEST_F(EncryptionKey, MayBeOneOrAListInItsOrder) {
  const auto one = load_settings(file(first_key));
  ASSERT_TRUE(one);
  ASSERT_EQ(one->settings.journal.encryption_keys.size(), 1U);
  EXPECT_EQ(one->settings.journal.encryption_keys[0].reveal().substr(0, 4), std::string("\0\1\2\3", 4));

  const std::string old = folder.write("old", std::string(first_key) + "\n");
  const auto list = load_settings(file(std::string("[") + second_key + ", \"${file:" + old + "}\"]"));
  ASSERT_TRUE(list);
  ASSERT_EQ(list->settings.journal.encryption_keys.size(), 2U);
  EXPECT_EQ(list->settings.journal.encryption_keys[0].reveal().front(), ' ');
  EXPECT_EQ(list->settings.journal.encryption_keys[1].reveal().front(), '\0');
}

TEST_F(EncryptionKey, OfAnotherLengthOrFormIsAnErrorThatDoesNotShowIt) {
  for (const std::string bad : {"c2hvcnQ=", "no-base64-at-all", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}) {
    const auto problems = problems_of(file(bad));
    ASSERT_EQ(problems.size(), 1U) << bad;
    EXPECT_NE(problems[0].find("3:19: error: journal.encryption_key isn't 32 bytes as base64"), std::string::npos)
        << problems[0];
    EXPECT_EQ(problems[0].find(bad), std::string::npos);
  }
  EXPECT_EQ(problems_of(file("[]")).size(), 1U);
  EXPECT_EQ(problems_of(file(std::string("[") + first_key + ", x]")).size(), 1U);
}

TEST_F(EncryptionKey, IsReadAloneWithNothingElseOfTheFile) {
  const std::string broken = folder.write("broken.yaml", std::string("nonsense: ${env:RELAY_TEST_NOT_SET}\njournal: {"
                                                                     "encryption_key: [") +
                                                             second_key + ", " + first_key + "]}\n");
  const auto keys = journal_keys_of(broken);
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->size(), 2U);
  EXPECT_TRUE(journal_keys_of(folder.write("none.yaml", "site: a\n"))->empty());
  EXPECT_FALSE(journal_keys_of(file("${env:RELAY_TEST_NOT_SET}")));
}

}  // namespace
}  // namespace relay
