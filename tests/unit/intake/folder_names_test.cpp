#include "intake/folder_names.hpp"

#include <gtest/gtest.h>

#include "base/utf8.hpp"

namespace relay {
namespace {

using Names = std::vector<std::string>;

TEST(FolderNames, PatternsTakeAnyCase) {
  EXPECT_TRUE(matches_ignoring_case("*.hl7", "Result.HL7"));
  EXPECT_TRUE(matches_ignoring_case("LAB-?.*", "lab-1.x"));
  EXPECT_FALSE(matches_ignoring_case("*.hl7", "result.hl7.part"));
  EXPECT_FALSE(matches_ignoring_case("*.hl7", "hl7"));
}

TEST(FolderNames, WhatIsBeingWrittenIsHidden) {
  EXPECT_TRUE(is_hidden_name(".result.hl7"));
  EXPECT_TRUE(is_hidden_name("result.hl7.tmp"));
  EXPECT_TRUE(is_hidden_name("RESULT.TMP"));
  EXPECT_FALSE(is_hidden_name("tmp"));
  EXPECT_FALSE(is_hidden_name("result.tmp.hl7"));
}

TEST(FolderNames, DoneAndFailedAreReservedInAnySpelling) {
  EXPECT_TRUE(is_reserved_folder("done"));
  EXPECT_TRUE(is_reserved_folder("Failed"));
  EXPECT_FALSE(is_reserved_folder("done.2"));
}

TEST(FolderNames, AMarkerHasTheNameOrTheStem) {
  EXPECT_EQ(marker_names("*.ok", "A.hl7"), (Names{"a.hl7.ok", "a.ok"}));
  EXPECT_EQ(marker_names("ready-*", "a.b.hl7"), (Names{"ready-a.b.hl7", "ready-a.b"}));
  EXPECT_EQ(marker_names("*.ok", "plain"), Names{"plain.ok"});
}

TEST(FolderNames, NumbersStandBeforeTheEnding) {
  EXPECT_EQ(numbered_name("a.hl7", 1), "a.hl7");
  EXPECT_EQ(numbered_name("a.hl7", 2), "a~2.hl7");
  EXPECT_EQ(numbered_name("a.b.hl7", 13), "a.b~13.hl7");
  EXPECT_EQ(numbered_name("plain", 2), "plain~2");
  EXPECT_EQ(numbered_name(".hl7", 2), ".hl7~2");
}

TEST(FolderNames, ANumberedNameLeavesRoomForItsReason) {
  const std::string longest = std::string(251, 'x') + ".hl7";
  for (const unsigned number : {1U, 2U, 1000U}) {
    const std::string name = numbered_name(longest, number);
    EXPECT_LE(name.size() + std::string(".reason").size(), 255U);
    EXPECT_TRUE(name.ends_with(".hl7"));
  }
  EXPECT_LE(numbered_name("x." + std::string(253, 'y'), 2).size(), 248U);
}

TEST(FolderNames, CutsNoCharacterInTwo) {
  std::string name;
  while (name.size() < 250) name += "\xC3\xA4";
  EXPECT_TRUE(is_utf8(numbered_name(name + ".h7", 2)));
  EXPECT_TRUE(is_utf8(numbered_name(name + ".hl7", 2)));
}

TEST(FolderNames, TheFirstPartIsTheClients) {
  EXPECT_EQ(first_part(""), "");
  EXPECT_EQ(first_part("lab.a"), "lab.a");
  EXPECT_EQ(first_part("lab.a/today/late"), "lab.a");
}

}  // namespace
}  // namespace relay
