// What keeps a journal from being opened: each is said in a sentence that names the file and the way out, and nothing
// on the disk has changed afterwards.
#include <sys/stat.h>
#include <unistd.h>

#include "journal/database.hpp"
#include "journal/lock_file.hpp"
#include "journal/placement.hpp"
#include "journal/schema.hpp"
#include "journal_fixture.hpp"

namespace relay {
namespace {

class OpeningTest : public JournalTest {
 protected:
  using Kind = JournalOpenFailure::Kind;

  // A journal that was used and closed in good order.
  void make_used() {
    open();
    append_ok(small("payload"));
    close();
  }
  // One whose process ended without warning: its files, taken while it ran.
  void make_killed() {
    open();
    append_ok(small("payload"));
    const auto taken = files();
    close();
    for (const auto& [name, bytes] : taken) write(name, bytes);
  }
  void write(const std::string& name, const std::string& bytes) {
    std::ofstream(folder / name, std::ios::binary | std::ios::trunc) << bytes;
    ::chmod((folder / name).c_str(), 0600);
  }
  void expect_refused(Kind kind, const std::vector<std::string>& says) {
    const auto before = files();
    const auto opened = open_journal(options, clock);
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(static_cast<int>(opened.error().kind), static_cast<int>(kind)) << opened.error().message;
    for (const std::string& part : says) {
      EXPECT_NE(opened.error().message.find(part), std::string::npos) << opened.error().message;
    }
    EXPECT_EQ(opened.error().message.find('\n'), std::string::npos);
    EXPECT_EQ(changed_files(before, files()), std::vector<std::string>());
  }
  void change(const char* sql) {
    Connection connection(options.path, Connection::Mode::write, "");
    connection.execute(sql);
    connection.checkpoint(Connection::Checkpoint::truncate);
    connection.keep_wal_on_close(false);
  }
};

TEST_F(OpeningTest, ANewJournalIsPrivateAndSaysWhatItIs) {
  open();
  for (const char* name : {"journal.db", "journal.lock", "journal.db-wal", "journal.db-shm"}) {
    struct stat status {};
    ASSERT_EQ(::stat((folder / name).c_str(), &status), 0) << name;
    EXPECT_EQ(status.st_mode & 0777, 0600u) << name;
  }
  EXPECT_EQ(files()["journal.lock"].substr(0, 8), "created ");
  EXPECT_TRUE(files()["journal.lock"].ends_with("\nrunning\n"));
  close();
  EXPECT_TRUE(files()["journal.lock"].ends_with("\nclean  \n"));
  EXPECT_FALSE(std::filesystem::exists(folder / "journal.db-wal"));
  Connection connection(options.path, Connection::Mode::read, "");
  EXPECT_EQ(connection.integer("PRAGMA page_size"), 16384);
  EXPECT_EQ(connection.integer("PRAGMA auto_vacuum"), 2);
  EXPECT_EQ(connection.text("PRAGMA journal_mode"), "wal");
  EXPECT_EQ(connection.integer("PRAGMA application_id"), journal_application_id);
  EXPECT_EQ(connection.integer("PRAGMA user_version"), journal_schema_version);
}

TEST_F(OpeningTest, TheUmaskDoesntOpenTheJournalToOthers) {
  const auto before = ::umask(0);
  open();
  ::umask(before);
  struct stat status {};
  ::stat(options.path.c_str(), &status);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(OpeningTest, ASecondOneIsRefusedWhileTheFirstRuns) {
  open();
  append_ok(small("payload"));
  expect_refused(Kind::locked, {"journal.lock", "stop"});
  append_ok(small("the first goes on"));
}

TEST_F(OpeningTest, ANewerSchemaIsRefused) {
  make_used();
  change("PRAGMA user_version = 1000000");
  expect_refused(Kind::newer, {options.path, "newer", "1000000"});
}

TEST_F(OpeningTest, ANewerSchemaThatOnlyTheWalKnowsIsRefused) {
  make_killed();
  {
    Connection connection(options.path, Connection::Mode::write, "");
    connection.execute("PRAGMA user_version = 1000000");
  }
  expect_refused(Kind::newer, {options.path});
}

TEST_F(OpeningTest, AForeignDatabaseIsRefused) {
  {
    Connection connection(options.path, Connection::Mode::write, "");
    connection.execute("CREATE TABLE dentist (name TEXT)");
  }
  ::chmod(options.path.c_str(), 0600);
  expect_refused(Kind::corrupt, {options.path, "no journal of edge-relay"});
}

TEST_F(OpeningTest, WhatIsNoDatabaseIsRefused) {
  make_used();
  auto bytes = files()["journal.db"];
  bytes[3] = 'X';
  write("journal.db", bytes);
  expect_refused(Kind::corrupt, {options.path, "edge-relay verify"});
  write("journal.db", "short");
  expect_refused(Kind::corrupt, {options.path});
}

TEST_F(OpeningTest, ATruncatedDatabaseIsRefused) {
  make_used();
  const auto bytes = files()["journal.db"];
  write("journal.db", bytes.substr(0, bytes.size() / 2));
  expect_refused(Kind::corrupt, {options.path, "edge-relay verify"});
}

TEST_F(OpeningTest, AnEmptyFileInPlaceOfTheJournalIsRefused) {
  make_used();
  write("journal.db", "");
  expect_refused(Kind::corrupt, {options.path, "empty"});
  std::filesystem::remove(folder / "journal.lock");
  expect_refused(Kind::corrupt, {options.path, "empty"});
}

TEST_F(OpeningTest, AJournalThatWasSwitchedToARollbackJournalIsBroughtBack) {
  make_used();
  {
    Connection connection(options.path, Connection::Mode::write, "");
    ASSERT_EQ(connection.text("PRAGMA journal_mode = DELETE"), "delete");
  }
  open();
  EXPECT_EQ(claim_one().submission.size.value, 7u);
  append_ok(small("another"));
  EXPECT_TRUE(std::filesystem::exists(options.path + "-wal"));
  EXPECT_EQ(verify_findings(), std::vector<std::string>());
  close();
  Connection connection(options.path, Connection::Mode::read, "");
  EXPECT_EQ(connection.text("PRAGMA journal_mode"), "wal");
}

TEST_F(OpeningTest, ATableThatIsntOursIsRefused) {
  make_used();
  change("DROP INDEX delivery_waiting");
  expect_refused(Kind::corrupt, {"index delivery_waiting is missing", "edge-relay verify"});
}

TEST_F(OpeningTest, ALockFileWithoutItsDatabaseIsRefused) {
  make_used();
  std::filesystem::remove(options.path);
  expect_refused(Kind::missing_part, {options.path, "journal.lock"});
}

TEST_F(OpeningTest, ARunningJournalWithoutItsWalIsRefused) {
  make_killed();
  std::filesystem::remove(options.path + "-wal");
  expect_refused(Kind::missing_part, {"journal.db-wal", "journal.lock"});
}

TEST_F(OpeningTest, AnotherJournalInThePlaceOfTheRightOneIsRefused) {
  make_used();
  const auto lock = files()["journal.lock"];
  std::filesystem::remove(options.path);
  std::filesystem::remove(folder / "journal.lock");
  make_used();
  write("journal.lock", lock);
  expect_refused(Kind::missing_part, {"another journal", "journal.lock"});
}

TEST_F(OpeningTest, AWalOfAnotherJournalIsRefused) {
  make_killed();
  const auto foreign_wal = files()["journal.db-wal"];
  for (const auto& entry : std::filesystem::directory_iterator(folder)) std::filesystem::remove(entry.path());
  make_used();
  auto lock = files()["journal.lock"];
  lock.replace(lock.size() - 8, 8, "running\n");
  write("journal.lock", lock);
  write("journal.db-wal", foreign_wal);
  const auto before = files();
  const auto opened = open_journal(options, clock);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(changed_files(before, files()), std::vector<std::string>());
}

TEST_F(OpeningTest, ADamagedLockFileIsRefused) {
  make_used();
  write("journal.lock", "created by hand\n");
  expect_refused(Kind::corrupt, {"journal.lock"});
}

TEST_F(OpeningTest, AFileThatOthersMayReadIsRefused) {
  make_used();
  for (const char* name : {"journal.db", "journal.lock"}) {
    ::chmod((folder / name).c_str(), 0644);
    expect_refused(Kind::misplaced, {name, "chmod o-rwx"});
    ::chmod((folder / name).c_str(), 0640);
  }
  open();
}

TEST_F(OpeningTest, AMissingFolderIsRefused) {
  options.path = (folder / "missing" / "journal.db").string();
  const auto opened = open_journal(options, clock);
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.error().message.find((folder / "missing").string()), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder / "missing"));
}

TEST_F(OpeningTest, FileSystemsThatKeepNothingOrDontLockAreRefused) {
  for (const std::uint64_t magic : {0x6969u, 0x517Bu, 0xFF534D42u, 0xFE534D42u}) {
    EXPECT_TRUE(refuse_file_system(magic, true).has_value());
  }
  for (const std::uint64_t magic : {0x01021994u, 0x858458F6u}) {
    EXPECT_TRUE(refuse_file_system(magic, false).has_value());
    EXPECT_FALSE(refuse_file_system(magic, true).has_value());
  }
  EXPECT_FALSE(refuse_file_system(0xEF53, false).has_value());  // ext4
}

TEST_F(OpeningTest, AJournalInMemoryIsForTestsThatSaySo) {
  if (!std::filesystem::exists("/dev/shm")) GTEST_SKIP() << "no /dev/shm here";
  std::string name = "/dev/shm/relay-journal-XXXXXX";
  const std::filesystem::path shm = mkdtemp(name.data());
  options.path = (shm / "journal.db").string();
  auto opened = open_journal(options, clock);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(static_cast<int>(opened.error().kind), static_cast<int>(Kind::misplaced));
  EXPECT_NE(opened.error().message.find("allow_tmpfs"), std::string::npos);
  EXPECT_TRUE(std::filesystem::is_empty(shm));
  options.allow_tmpfs = true;
  open();
  close();
  std::filesystem::remove_all(shm);
}

TEST_F(OpeningTest, AStartThatEndedWhileItMadeTheJournalIsTakenUp) {
  // Everything between the lock file's creation and its first note.
  write("journal.lock", "");
  open();
  close();
  for (const auto& entry : std::filesystem::directory_iterator(folder)) std::filesystem::remove(entry.path());
  write("journal.lock", "");
  write("journal.db", "");
  open();
  append_ok(small("payload"));
  close();
  write("journal.lock", std::string(60, '\0'));
  open();
  EXPECT_EQ(totals().queued, 1u);
}

TEST_F(OpeningTest, AJournalThatComesWithoutItsLockFileIsTakenUp) {
  make_used();
  std::filesystem::remove(folder / "journal.lock");
  open();
  EXPECT_EQ(totals().queued, 1u);
}

TEST_F(OpeningTest, AKilledJournalOpensWithEverythingThatWasAnswered) {
  open();
  std::vector<SubmissionId> made;
  for (int i = 0; i < 10; ++i) made.push_back(append_ok(small("payload " + std::to_string(i))));
  ASSERT_TRUE(settle(claim_one().token, delivered()).ok());
  journal->claim("cloud", 3);
  const auto at_the_kill = files();
  append_ok(small("after"));
  close();
  for (const auto& entry : std::filesystem::directory_iterator(folder)) std::filesystem::remove(entry.path());
  for (const auto& [name, bytes] : at_the_kill) write(name, bytes);
  open();
  EXPECT_EQ(view(made[0]).state, SubmissionState::delivered);
  const auto claims = journal->claim("cloud", 100);
  ASSERT_EQ(claims.size(), 9u);
  for (std::size_t i = 0; i < claims.size(); ++i) {
    EXPECT_EQ(claims[i].submission.id, made[i + 1]);
    EXPECT_EQ(read_all(*journal->payload(claims[i])), "payload " + std::to_string(i + 1));
  }
  EXPECT_EQ(verify_findings(), std::vector<std::string>());
}

TEST_F(OpeningTest, ATornEndOfTheWalCostsOnlyWhatWasntAnswered) {
  make_killed();
  const auto whole = files();
  const std::string wal = whole.at("journal.db-wal");
  write("journal.db-wal", wal + wal.substr(wal.size() / 2, 5000));
  open();
  EXPECT_EQ(totals().queued, 1u);
  EXPECT_EQ(verify_findings(), std::vector<std::string>());
}

TEST_F(OpeningTest, TheJournalHoldsNoHandleOfAProcessThatIsGone) {
  open();
  const auto path = folder / "journal.lock";
  EXPECT_TRUE(LockFile::is_held(path));
  close();
  EXPECT_FALSE(LockFile::is_held(path));
  EXPECT_FALSE(LockFile::is_held(folder / "none.lock"));
}

}  // namespace
}  // namespace relay
