#include "intake/folder_listing.hpp"

#include <gtest/gtest.h>

#include "unit/intake/folder_fixture.hpp"

namespace relay::test {
namespace {

using Names = std::vector<std::string>;

class FolderListingTest : public testing::Test {
 protected:
  FolderListingTest() {
    settings.patterns = {"*.hl7"};
    settings.client = "lab.a";
  }
  Names listed() {
    const auto listing = list_folder(folder.open(), settings);
    EXPECT_TRUE(listing.ok());
    Names names;
    for (const FoundFile& file : listing->files) {
      names.push_back((file.folder.empty() ? "" : file.folder + "/") + file.name +
                      (file.marker ? "+" + *file.marker : ""));
    }
    return names;
  }
  void date(const std::string& name, int hours_ago) {
    std::filesystem::last_write_time(folder.path() / name,
                                     std::filesystem::file_time_type::clock::now() - std::chrono::hours(hours_ago));
  }

  WatchedFolder folder;
  FolderSettings settings;
};

TEST_F(FolderListingTest, OldestFirstThenByName) {
  for (const char* name : {"c.hl7", "a.hl7", "b.hl7"}) {
    folder.put(name, "x");
    date(name, 5);
  }
  std::filesystem::last_write_time(folder.path() / "b.hl7", std::filesystem::last_write_time(folder.path() / "a.hl7"));
  date("c.hl7", 7);
  EXPECT_EQ(listed(), (Names{"c.hl7", "a.hl7", "b.hl7"}));
}

TEST_F(FolderListingTest, OnlyFilesThatThePatternsName) {
  for (const char* name : {"A.HL7", ".a.hl7", "b.hl7.tmp", "c.txt", "done/2020-01-01/d.hl7", "lab.b/e.hl7"})
    folder.put(name, "x");
  std::filesystem::create_directory(folder.path() / "folder.hl7");
  std::filesystem::create_symlink(folder.path() / "A.HL7", folder.path() / "link.hl7");
  EXPECT_EQ(listed(), Names{"A.HL7"});
}

TEST_F(FolderListingTest, SubfoldersWhereEachClientHasOne) {
  settings.client.reset();
  for (const char* name : {"lab.a/1.hl7", "lab.a/deep/er/2.hl7", "lab.b/3.hl7", "4.hl7", "done/5.hl7", "Failed/6.hl7",
                           ".hidden/7.hl7", "lab.a/done/8.hl7", "lab.tmp/9.hl7"}) {
    folder.put(name, "x");
  }
  std::filesystem::create_directory_symlink(folder.path() / "lab.a", folder.path() / "lab.linked");
  Names found = listed();
  std::ranges::sort(found);
  EXPECT_EQ(found,
            (Names{"4.hl7", "lab.a/1.hl7", "lab.a/deep/er/2.hl7", "lab.a/done/8.hl7", "lab.b/3.hl7", "lab.tmp/9.hl7"}));
}

TEST_F(FolderListingTest, WhatLiesTooDeepIsTold) {
  settings.client.reset();
  std::string path = "lab.a";
  for (int level = 1; level < 16; ++level) path += "/d";
  folder.put(path + "/deepest.hl7", "x");
  EXPECT_FALSE(list_folder(folder.open(), settings)->trouble);
  folder.put(path + "/d/too-deep.hl7", "x");
  const auto listing = list_folder(folder.open(), settings);
  EXPECT_EQ(listing->files.size(), 1U);
  ASSERT_TRUE(listing->trouble);
  EXPECT_NE(listing->trouble->message.find("16 levels"), std::string::npos) << listing->trouble->message;
}

TEST_F(FolderListingTest, MoreSubfoldersThanAreLookedIntoAreTold) {
  settings.client.reset();
  for (int n = 0; n < 9'999; ++n) std::filesystem::create_directories(folder.path() / "lab.a" / std::to_string(n));
  EXPECT_TRUE(list_folder(folder.open(), settings)->trouble) << "with the folder itself and lab.a, one too many";
}

TEST_F(FolderListingTest, WithMarkersOnlyWhatHasOne) {
  settings.complete_when = FileCompleteWhen::marker;
  settings.marker = "*.ok";
  settings.patterns = {"*"};
  for (const char* name : {"full.hl7", "full.hl7.OK", "stem.hl7", "Stem.ok", "none.hl7", "lonely.ok"})
    folder.put(name, "x");
  Names found = listed();
  std::ranges::sort(found);
  EXPECT_EQ(found, (Names{"full.hl7+full.hl7.OK", "stem.hl7+Stem.ok"}));
}

TEST_F(FolderListingTest, OfVeryManyTheOldest) {
  for (int n = 0; n < 10'050; ++n) folder.put(std::to_string(n) + ".hl7", "");
  folder.put("oldest.hl7", "x");
  date("oldest.hl7", 100);
  const Names found = listed();
  EXPECT_EQ(found.size(), 10'000U);
  EXPECT_EQ(found.front(), "oldest.hl7");
}

TEST_F(FolderListingTest, AMissingFolderIsAnErrorWithoutAName) {
  EXPECT_FALSE(FolderHandle::open(folder.path() / "nowhere").ok());
  folder.put("DOE^JOHN.hl7", "x");
  const auto opened = folder.open().folder("DOE^JOHN.hl7");
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().message.find("DOE"), std::string::npos);
}

}  // namespace
}  // namespace relay::test
