// Nothing is overwritten, and only the very file that was meant is moved or erased.
#include "intake/folder_moves.hpp"

#include <gtest/gtest.h>

#include <chrono>

#include "unit/intake/folder_fixture.hpp"

namespace relay::test {
namespace {

using Taken = FolderMoves::Taken;
using Names = std::vector<std::string>;

class FolderMovesTest : public testing::Test {
 protected:
  Taken take(const FolderNote& note, const std::string& journalled = "content") {
    const FolderHandle root = folder.open();
    FolderMoves moves(root, settings, now);
    const auto taken = moves.take(id, note, [&] { return std::optional(sha256(journalled)); });
    EXPECT_TRUE(taken.ok()) << taken.error().message;
    EXPECT_TRUE(moves.sync().ok());
    return taken.ok() ? *taken : Taken::absent;
  }
  bool fail(const FoundFile& file) {
    const FolderHandle root = folder.open();
    FolderMoves moves(root, settings, now);
    const auto failed = moves.fail(file, "because");
    EXPECT_TRUE(failed.ok()) << failed.error().message;
    EXPECT_TRUE(moves.sync().ok());
    return failed.ok() && *failed;
  }
  std::string hidden() const { return ".edge-relay-" + id.text(); }

  WatchedFolder folder;
  FolderSettings settings;
  const WallTime now{std::chrono::sys_days(std::chrono::year(2026) / 11 / 24) + std::chrono::hours(23)};
  SubmissionId id = UuidGenerator(system_clock()).next();
};

TEST_F(FolderMovesTest, ToDoneUnderItsOwnNameOrTheNextFreeOne) {
  for (int n = 0; n < 3; ++n) {
    folder.put("a.hl7", "content");
    EXPECT_EQ(take(folder.note("a.hl7")), Taken::moved);
  }
  EXPECT_EQ(folder.files(), (Names{"done/2026-11-24/a.hl7", "done/2026-11-24/a~2.hl7", "done/2026-11-24/a~3.hl7"}));
}

TEST_F(FolderMovesTest, FromASubfolderToTheSameDone) {
  folder.put("lab.a/a.hl7", "content");
  EXPECT_EQ(take(folder.note("lab.a/a.hl7")), Taken::moved);
  EXPECT_EQ(folder.files(), Names{"done/2026-11-24/a.hl7"});
}

TEST_F(FolderMovesTest, ErasesWhereThatIsWanted) {
  settings.after = FileAfter::erased;
  folder.put("a.hl7", "content");
  folder.put("a.ok", "");
  FolderNote note = folder.note("a.hl7");
  note.marker = "a.ok";
  EXPECT_EQ(take(note), Taken::moved);
  EXPECT_EQ(folder.files(), Names{});
}

TEST_F(FolderMovesTest, AnotherFileUnderTheNameStays) {
  folder.put("a.hl7", "content");
  const FolderNote note = folder.note("a.hl7");
  folder.replace("a.hl7", "content");  // the same bytes, and still another file
  EXPECT_EQ(take(note), Taken::replaced);
  EXPECT_EQ(folder.files(), Names{"a.hl7"});
}

TEST_F(FolderMovesTest, OneThatWasWrittenToSinceStays) {
  folder.put("a.hl7", "content");
  const FolderNote note = folder.note("a.hl7");
  std::ofstream(folder.path() / "a.hl7", std::ios::app) << " and more";
  EXPECT_EQ(take(note), Taken::replaced);
  EXPECT_EQ(folder.content("a.hl7"), "content and more");
}

TEST_F(FolderMovesTest, OneWhoseDateWasSetIsTheSame) {
  folder.put("a.hl7", "content");
  const FolderNote note = folder.note("a.hl7");
  std::filesystem::last_write_time(folder.path() / "a.hl7",
                                   std::filesystem::file_time_type::clock::now() - std::chrono::hours(5));
  EXPECT_EQ(take(note), Taken::moved);
  EXPECT_EQ(folder.files(), Names{"done/2026-11-24/a.hl7"});
}

TEST_F(FolderMovesTest, WithoutABirthDateAChangedOneMightBeAnotherFile) {
  folder.put("a.hl7", "content");
  FolderNote note = folder.note("a.hl7");
  note.identity.born = 0;
  ASSERT_EQ(::chmod((folder.path() / "a.hl7").c_str(), 0600), 0);
  ++note.identity.changed;  // whatever the clock's steps are
  EXPECT_EQ(take(note), Taken::replaced);
}

TEST_F(FolderMovesTest, WhatACrashLeftUnderTheHiddenNameIsMovedOn) {
  folder.put("a.hl7", "content");
  const FolderNote note = folder.note("a.hl7");
  std::filesystem::rename(folder.path() / "a.hl7", folder.path() / hidden());
  folder.put("a.hl7", "a later one");
  EXPECT_EQ(take(note), Taken::moved);
  EXPECT_EQ(folder.files(), (Names{"a.hl7", "done/2026-11-24/a.hl7"}));
  EXPECT_EQ(folder.content("a.hl7"), "a later one");
  EXPECT_EQ(folder.content("done/2026-11-24/a.hl7"), "content");
}

TEST_F(FolderMovesTest, AForeignFileUnderTheHiddenNameIsPutBack) {
  folder.put("a.hl7", "content");
  const FolderNote note = folder.note("a.hl7");
  folder.replace("a.hl7", "put there at the very moment");
  std::filesystem::rename(folder.path() / "a.hl7", folder.path() / hidden());
  EXPECT_EQ(take(note), Taken::replaced);
  EXPECT_EQ(folder.content("a.hl7"), "put there at the very moment");
}

TEST_F(FolderMovesTest, PuttingBackOverwritesNothingEither) {
  folder.put("a.hl7", "content");
  const FolderNote note = folder.note("a.hl7");
  folder.put(hidden(), "one");
  folder.replace("a.hl7", "two");
  EXPECT_EQ(take(note), Taken::replaced);
  EXPECT_EQ(folder.content("a.hl7"), "two");
  EXPECT_EQ(folder.content("a~2.hl7"), "one");
}

TEST_F(FolderMovesTest, WhatIsGoneIsOverUnlessTheFolderIsAnother) {
  folder.put("lab.a/a.hl7", "content");
  FolderNote note = folder.note("lab.a/a.hl7");
  std::filesystem::remove(folder.path() / "lab.a/a.hl7");
  EXPECT_EQ(take(note), Taken::gone);
  std::filesystem::remove(folder.path() / "lab.a");
  EXPECT_EQ(take(note), Taken::gone);
  ++note.watched_inode;
  EXPECT_EQ(take(note), Taken::absent) << "a share that isn't mounted has lost no file";
}

TEST_F(FolderMovesTest, ALinkInTheFilesPlaceIsNotTheFile) {
  folder.put("a.hl7", "content");
  const FolderNote note = folder.note("a.hl7");
  std::filesystem::rename(folder.path() / "a.hl7", folder.beside() / "a.hl7");
  std::filesystem::create_symlink(folder.beside() / "a.hl7", folder.path() / "a.hl7");
  EXPECT_EQ(take(note), Taken::replaced);
  EXPECT_TRUE(std::filesystem::exists(folder.beside() / "a.hl7"));
}

TEST_F(FolderMovesTest, ALinkedDoneIsAnErrorAndTheFileIsKept) {
  folder.put("a.hl7", "content");
  const FolderNote note = folder.note("a.hl7");
  std::filesystem::create_directory(folder.beside() / "outside");
  std::filesystem::create_symlink(folder.beside() / "outside", folder.path() / "done");
  const FolderHandle root = folder.open();
  FolderMoves moves(root, settings, now);
  const auto taken = moves.take(id, note, [] { return std::nullopt; });
  ASSERT_FALSE(taken.ok());
  EXPECT_EQ(taken.error().error_number, ELOOP);
  EXPECT_TRUE(std::filesystem::is_empty(folder.beside() / "outside"));
  std::filesystem::remove(folder.path() / "done");
  EXPECT_EQ(take(note), Taken::moved) << "from where it was left";
}

TEST_F(FolderMovesTest, ToFailedWithItsReason) {
  folder.put("failed/a.hl7", "an earlier one");
  folder.put("failed/a~2.hl7.reason", "left without its file");
  folder.put("a.hl7", "content");
  EXPECT_TRUE(fail(folder.found("a.hl7")));
  EXPECT_EQ(folder.files(),
            (Names{"failed/a.hl7", "failed/a~2.hl7.reason", "failed/a~3.hl7", "failed/a~3.hl7.reason"}));
  EXPECT_EQ(folder.content("failed/a.hl7"), "an earlier one");
  EXPECT_EQ(folder.content("failed/a~3.hl7"), "content");
  EXPECT_EQ(folder.content("failed/a~3.hl7.reason"), "because");
}

TEST_F(FolderMovesTest, OnlyTheFileThatWasLookedAtFails) {
  folder.put("a.hl7", "content");
  const FoundFile file = folder.found("a.hl7");
  folder.replace("a.hl7", "a better one");
  EXPECT_FALSE(fail(file));
  EXPECT_EQ(folder.files(), Names{"a.hl7"});
  std::filesystem::remove(folder.path() / "a.hl7");
  EXPECT_FALSE(fail(file));
  EXPECT_EQ(folder.files(), Names{});
}

TEST_F(FolderMovesTest, TheLongestNamesFindRoom) {
  const std::string name = std::string(251, 'x') + ".hl7";
  folder.put(name, "content");
  EXPECT_TRUE(fail(folder.found(name)));
  folder.put(name, "content");
  EXPECT_EQ(take(folder.note(name)), Taken::moved);
  EXPECT_EQ(folder.files().size(), 3U);
}

}  // namespace
}  // namespace relay::test
