// Plain SQLite over the layer that gathers a WAL's writes: it sees the same file as without, in fewer writes, whatever
// a transaction does before its commit; and a refused write is the commit's failure.
#include "journal/gathered_writes.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "journal/database.hpp"
#include "support/fault_vfs.hpp"
#include "support/temporary_folder.hpp"

namespace relay {
namespace {

constexpr std::int64_t large = 3000;  // bytes of a row

class GatheredWritesTest : public testing::Test {
 protected:
  GatheredWritesTest() {
    writer.execute("PRAGMA page_size = 16384; PRAGMA journal_mode = WAL");
    writer.execute("CREATE TABLE result (id INTEGER PRIMARY KEY, bytes BLOB)");
    writer.execute("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  void insert(std::int64_t first, std::int64_t count) {
    Statement insert(writer, "INSERT INTO result VALUES (?1, zeroblob(?2))");
    for (std::int64_t id = first; id < first + count; ++id) insert.run(id, large);
  }
  // What others see, who read the file itself.
  std::int64_t rows_for_others() {
    Connection reader(path, Connection::Mode::read, "");
    EXPECT_EQ(reader.text("PRAGMA integrity_check"), "ok");
    return reader.integer("SELECT count(*) FROM result");
  }

  TemporaryFolder folder;
  const std::string path = folder.path() / "journal.db";
  FaultVfs disk{""};
  Connection writer{path, Connection::Mode::write, disk.name()};
};

TEST_F(GatheredWritesTest, ACommitIsWrittenInAFewPieces) {
  writer.execute("BEGIN");
  insert(1, 60);
  disk.plan({.nth = UINT64_MAX});
  writer.execute("COMMIT");
  const std::uint64_t writes = disk.count(FaultyOperation::write);
  EXPECT_GE(writer.wal_frames(), 10);
  EXPECT_LE(writes, 3U) << "for " << writer.wal_frames() << " frames, of which each is two writes";
  EXPECT_EQ(rows_for_others(), 60);
}

// Ten times the room, so that it is full in between, and one frame lies across its end.
TEST_F(GatheredWritesTest, ACommitMayBeLargerThanTheRoom) {
  writer.execute("BEGIN");
  insert(1, 1000);
  EXPECT_EQ(rows_for_others(), 0);
  writer.execute("COMMIT");
  EXPECT_EQ(rows_for_others(), 1000);
}

// Pages that leave the cache before the commit are read back out of the WAL, and written there once more.
TEST_F(GatheredWritesTest, ATransactionReadsBackWhatItHasWritten) {
  writer.execute("PRAGMA cache_size = 10");
  writer.execute("BEGIN");
  for (std::int64_t first = 1; first < 500; first += 100) {
    insert(first, 100);
    EXPECT_EQ(writer.integer("SELECT sum(length(bytes)) FROM result"), (first + 99) * large);
    writer.execute("UPDATE result SET bytes = zeroblob(length(bytes)) WHERE id % 7 = 0");
  }
  EXPECT_EQ(rows_for_others(), 0);
  writer.execute("COMMIT");
  EXPECT_EQ(rows_for_others(), 500);
}

TEST_F(GatheredWritesTest, WhatIsTakenBackLeavesNothingBehind) {
  insert(1, 1);
  writer.execute("PRAGMA cache_size = 10");
  for (int round = 0; round < 3; ++round) {
    writer.execute("BEGIN");
    insert(10, 300);
    writer.execute("ROLLBACK");
    EXPECT_EQ(rows_for_others(), 1 + round);
    insert(2 + round, 1);
  }
  writer.execute("PRAGMA wal_checkpoint(TRUNCATE)");
  EXPECT_EQ(rows_for_others(), 4);
  EXPECT_EQ(std::filesystem::file_size(path + "-wal"), 0U);
}

TEST_F(GatheredWritesTest, ARefusedWriteIsTheCommitsFailureAndNothingElses) {
  insert(1, 1);
  for (const Fault::Kind kind : {Fault::Kind::disk_full, Fault::Kind::io_error}) {
    writer.execute("BEGIN");
    insert(100, 60);
    disk.plan({.nth = 2, .kind = kind});
    try {
      writer.execute("COMMIT");
      ADD_FAILURE() << "the commit went through";
    } catch (const DatabaseError& error) {
      EXPECT_EQ(error.disk_full(), kind == Fault::Kind::disk_full) << error.what();
    }
    EXPECT_EQ(disk.failures(), 1U);
    disk.heal();
    if (writer.in_transaction()) writer.execute("ROLLBACK");
    EXPECT_EQ(rows_for_others(), 1);
  }
  insert(2, 1);
  EXPECT_EQ(rows_for_others(), 2);
}

// Before it writes the WAL back SQLite syncs it, which the last commit has done already.
TEST_F(GatheredWritesTest, ASyncBehindWhichNothingWasWrittenIsLeftOut) {
  insert(1, 60);
  disk.plan({.nth = UINT64_MAX});
  writer.execute("PRAGMA wal_checkpoint(PASSIVE)");
  EXPECT_EQ(disk.count(FaultyOperation::sync), 1U) << "the database's alone";
}

TEST_F(GatheredWritesTest, WhatAnEarlierProcessLeftIsSyncedAllTheSame) {
  insert(1, 60);
  Connection next(path, Connection::Mode::write, disk.name());
  disk.plan({.nth = UINT64_MAX});
  next.execute("PRAGMA wal_checkpoint(PASSIVE)");
  EXPECT_EQ(disk.count(FaultyOperation::sync), 2U) << "the WAL's and the database's";
}

TEST_F(GatheredWritesTest, ASyncThatFailedIsMadeUpFor) {
  insert(1, 60);
  disk.plan({.operation = FaultyOperation::sync});
  EXPECT_THROW(insert(100, 1), DatabaseError);
  disk.plan({.nth = UINT64_MAX});
  writer.execute("PRAGMA wal_checkpoint(PASSIVE)");
  EXPECT_EQ(disk.count(FaultyOperation::sync), 2U) << "the WAL's and the database's";
  EXPECT_EQ(rows_for_others(), 60);
}

TEST(GatheredWrites, RefusesALayerThatIsNotThere) {
  EXPECT_THROW(GatheredWrites("no-such-layer"), std::invalid_argument);
}

}  // namespace
}  // namespace relay
