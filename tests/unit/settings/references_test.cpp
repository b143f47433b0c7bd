#include "settings/references.hpp"

#include <gtest/gtest.h>

#include "settings/secret_text.hpp"
#include "unit/settings/temporary_folder.hpp"

namespace relay {
namespace {

TEST(References, AreReplacedWhereTheyStandSeveralInOneText) {
  const TemporaryFolder folder;
  const SetEnvironment user("RELAY_TEST_USER", "lab");
  const SetEnvironment credentials("CREDENTIALS_DIRECTORY", folder.path().string());
  const std::string file = folder.write("password", "pass word\n");
  folder.write("cred", "c");
  const auto text = resolve_references("a ${env:RELAY_TEST_USER}:${file:" + file + "}@${credential:cred}!");
  ASSERT_TRUE(text);
  EXPECT_EQ(*text, "a lab:pass word@c!");
  EXPECT_EQ(*resolve_references("no reference, $ and } alone"), "no reference, $ and } alone");
}

TEST(References, OneTrailingNewlineOfAFileIsDropped) {
  const TemporaryFolder folder;
  const auto value = [&](std::string_view content) {
    return *resolve_references("${file:" + folder.write("f", content) + "}");
  };
  EXPECT_EQ(value("x\n"), "x");
  EXPECT_EQ(value("x\r\n"), "x");
  EXPECT_EQ(value("x"), "x");
  EXPECT_EQ(value("x\n\n"), "x\n");
  EXPECT_EQ(value(" x \n"), " x ");
}

TEST(References, WhatWasPutInIsNotLookedAtAgain) {
  const SetEnvironment value("RELAY_TEST_VALUE", "${env:HOME}");
  EXPECT_EQ(*resolve_references("${env:RELAY_TEST_VALUE}"), "${env:HOME}");
}

TEST(References, EachUnreadableOneIsNamedWithTheWayOut) {
  const auto text = resolve_references("${env:RELAY_TEST_UNSET} ${file:/nonexistent/x} ${credential:key}");
  ASSERT_FALSE(text);
  ASSERT_EQ(text.error().size(), 3U);
  EXPECT_EQ(text.error()[0].reference, "${env:RELAY_TEST_UNSET}");
  EXPECT_NE(text.error()[0].message.find("RELAY_TEST_UNSET isn't set"), std::string::npos);
  EXPECT_NE(text.error()[1].message.find("can't open /nonexistent/x: No such file or directory"), std::string::npos);
  EXPECT_NE(text.error()[2].message.find("LoadCredential=key:"), std::string::npos);
}

TEST(References, BadFormsAreErrors) {
  const TemporaryFolder folder;
  const SetEnvironment credentials("CREDENTIALS_DIRECTORY", (folder.path() / "inner").string());
  std::filesystem::create_directory(folder.path() / "inner");
  folder.write("outside", "secret");
  const std::string nul = folder.write("nul", std::string_view("a\0b", 3));
  for (const std::string& text :
       {std::string("${HOME}"), std::string("${ENV:HOME}"), std::string("${env:}"), std::string("${env:A-B}"),
        std::string("${env:HOME"), std::string("${file:}"), std::string("${credential:}"),
        std::string("${credential:..}"), std::string("${credential:../outside}"), std::string("${credential:a/b}"),
        "${file:" + folder.path().string() + "}", "${file:" + nul + "}"}) {
    EXPECT_FALSE(resolve_references(text)) << text;
  }
}

TEST(References, WhatIsNoReferenceIsNotQuoted) {
  const auto text = resolve_references("${hunter2}");
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error()[0].message.find("hunter2"), std::string::npos);
  EXPECT_EQ(text.error()[0].reference, "");
}

TEST(SecretText, ReadsItsFileAgain) {
  const TemporaryFolder folder;
  const std::string file = folder.write("key", "one\n");
  SecretText secret("k=${file:" + file + "}", Secret("k=one"));
  EXPECT_FALSE(secret.refresh().value());
  folder.write("key", "two\n");
  EXPECT_TRUE(secret.refresh().value());
  EXPECT_EQ(secret.value().reveal(), "k=two");
}

TEST(SecretText, KeepsItsValueWhereTheFileIsGone) {
  const TemporaryFolder folder;
  const std::string file = folder.write("key", "one");
  SecretText secret("${file:" + file + "}", Secret("one"));
  std::filesystem::remove(file);
  const auto refreshed = secret.refresh();
  ASSERT_FALSE(refreshed);
  EXPECT_NE(refreshed.error().message.find(file), std::string::npos);
  EXPECT_EQ(secret.value().reveal(), "one");
}

TEST(SecretText, ALiteralNeverChanges) {
  SecretText literal("plain");
  EXPECT_FALSE(literal.refresh().value());
  EXPECT_EQ(literal.value().reveal(), "plain");
  SecretText derived("", Secret("made from another"));
  EXPECT_FALSE(derived.refresh().value());
  EXPECT_EQ(derived.value().reveal(), "made from another");
}

TEST(SecretText, ADroppedFrontStaysDropped) {
  const TemporaryFolder folder;
  const std::string file = folder.write("sas", "?sv=1");
  SecretText secret("${file:" + file + "}", Secret("?sv=1"));
  secret.drop_front('?');
  EXPECT_EQ(secret.value().reveal(), "sv=1");
  EXPECT_FALSE(secret.refresh().value());
  folder.write("sas", "?sv=2");
  EXPECT_TRUE(secret.refresh().value());
  EXPECT_EQ(secret.value().reveal(), "sv=2");
}

}  // namespace
}  // namespace relay
