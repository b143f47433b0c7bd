// The power-loss VFS itself, with plain SQLite over it: settings that are safe lose nothing, settings that aren't do.
// Without the second half the harness could be blind.
#include "support/power_loss_vfs.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <set>
#include <thread>

namespace relay {
namespace {

const std::string path = "/journal/journal.db";

class Connection {
 public:
  explicit Connection(const PowerLossVfs& vfs, int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) {
    status_ = sqlite3_open_v2(path.c_str(), &database_, flags, vfs.name().c_str());
  }
  ~Connection() { sqlite3_close(database_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int status() const { return status_; }
  int run(const std::string& sql) { return sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr); }
  int control(int operation, void* argument) { return sqlite3_file_control(database_, "main", operation, argument); }
  // First column of each row; nothing when it fails.
  std::optional<std::vector<std::string>> rows(const std::string& sql) {
    std::vector<std::string> found;
    const auto take = [](void* into, int, char** values, char**) {
      static_cast<std::vector<std::string>*>(into)->push_back(values[0] ? values[0] : "");
      return 0;
    };
    if (sqlite3_exec(database_, sql.c_str(), take, &found, nullptr) != SQLITE_OK) return std::nullopt;
    return found;
  }

 private:
  sqlite3* database_ = nullptr;
  int status_ = SQLITE_OK;
};

std::string bytes_of(int row) {
  std::mt19937 random(static_cast<unsigned>(row));
  return std::string(50 + random() % 9000, static_cast<char>('a' + row % 26)) + std::to_string(row);
}

struct CrashCounts {
  int cuts = 0;  // that really happened in the middle
  int lost = 0;
  int corrupt = 0;
};

// Inserts rows one by one, cuts the power at a random operation, looks at what is left, and goes on with it.
CrashCounts crash_plain_sqlite(int crashes, const std::string& pragmas, PowerLossVfsOptions options = {}) {
  CrashCounts counts;
  std::mt19937_64 random(4711);
  auto disk = std::make_shared<PowerLossDisk>();
  std::map<int, std::string> acknowledged;
  std::set<int> tried;
  int row = 0;
  for (int crash = 0; crash < crashes; ++crash) {
    {
      PowerLossVfs vfs(disk, options);
      disk->cut_power_at(1 + random() % 120);
      Connection connection(vfs);
      connection.run(pragmas);
      connection.run("CREATE TABLE IF NOT EXISTS result (id INTEGER PRIMARY KEY, bytes TEXT)");
      for (int i = 0; i < 60 && !disk->power_is_off(); ++i) {
        ++row;
        tried.insert(row);
        const std::string bytes = bytes_of(row);
        if (connection.run("INSERT INTO result VALUES (" + std::to_string(row) + ", '" + bytes + "')") == SQLITE_OK) {
          acknowledged[row] = bytes;
        }
      }
      counts.cuts += disk->power_is_off();
      disk->cut_power();
    }
    disk = disk->after_power_cut(random);

    PowerLossVfs vfs(disk);
    Connection connection(vfs);
    const auto check = connection.rows("PRAGMA integrity_check");
    bool corrupt = !check || *check != std::vector<std::string>{"ok"};
    int missing = 0;
    for (const auto& [id, bytes] : acknowledged) {
      const auto found = connection.rows("SELECT bytes FROM result WHERE id = " + std::to_string(id));
      missing += !found || *found != std::vector<std::string>{bytes};
    }
    const auto ids = connection.rows("SELECT id FROM result");
    for (const std::string& id : ids.value_or(std::vector<std::string>())) corrupt |= !tried.contains(std::stoi(id));
    counts.lost += !corrupt && missing > 0;
    counts.corrupt += corrupt;
    if (corrupt || missing > 0) {
      disk = std::make_shared<PowerLossDisk>();
      acknowledged.clear();
    }
  }
  return counts;
}

const std::string wal = "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=20; ";

TEST(PowerLossVfs, FullSynchronousLosesNothingAcknowledged) {
  const CrashCounts counts = crash_plain_sqlite(150, wal + "PRAGMA synchronous=FULL;");
  EXPECT_GT(counts.cuts, 100);
  EXPECT_EQ(counts.lost, 0);
  EXPECT_EQ(counts.corrupt, 0);
}

TEST(PowerLossVfs, NormalSynchronousLosesAcknowledgedRowsButStaysSound) {
  const CrashCounts counts = crash_plain_sqlite(150, wal + "PRAGMA synchronous=NORMAL;");
  EXPECT_GT(counts.lost, 10);
  EXPECT_EQ(counts.corrupt, 0);
}

TEST(PowerLossVfs, CanMakeFullBehaveAsNormal) {
  const CrashCounts counts =
      crash_plain_sqlite(150, wal + "PRAGMA synchronous=FULL;", {.as_if_synchronous_normal = true});
  EXPECT_GT(counts.lost, 10);
  EXPECT_EQ(counts.corrupt, 0);
}

TEST(PowerLossVfs, WithoutSyncsTheDatabaseIsCorrupted) {
  const CrashCounts counts = crash_plain_sqlite(150, wal + "PRAGMA synchronous=OFF;");
  EXPECT_GT(counts.lost + counts.corrupt, 50);
  EXPECT_GT(counts.corrupt, 10);
}

// SQLite's manual: with a rollback journal FULL doesn't sync the folder after the journal's removal, EXTRA does. So the
// model of lost removals is tested against a documented difference.
TEST(PowerLossVfs, ALostRemovalOfTheRollbackJournalUndoesACommitUnlessExtra) {
  const std::string rollback = "PRAGMA journal_mode=DELETE; ";
  const CrashCounts full = crash_plain_sqlite(150, rollback + "PRAGMA synchronous=FULL;");
  EXPECT_GT(full.lost, 5);
  EXPECT_EQ(full.corrupt, 0);
  const CrashCounts extra = crash_plain_sqlite(150, rollback + "PRAGMA synchronous=EXTRA;");
  EXPECT_EQ(extra.lost, 0);
  EXPECT_EQ(extra.corrupt, 0);
}

TEST(PowerLossVfs, ConnectionsOfOneProcessLockEachOtherOut) {
  PowerLossVfs vfs(std::make_shared<PowerLossDisk>());
  Connection first(vfs);
  Connection second(vfs);
  ASSERT_EQ(first.run(wal + "CREATE TABLE result (id INTEGER PRIMARY KEY)"), SQLITE_OK);
  ASSERT_EQ(first.run("BEGIN IMMEDIATE; INSERT INTO result VALUES (1)"), SQLITE_OK);
  EXPECT_EQ(second.run("BEGIN IMMEDIATE"), SQLITE_BUSY);
  EXPECT_EQ(second.rows("SELECT count(*) FROM result"), std::vector<std::string>{"0"});
  ASSERT_EQ(first.run("COMMIT"), SQLITE_OK);
  EXPECT_EQ(second.rows("SELECT count(*) FROM result"), std::vector<std::string>{"1"});
  EXPECT_EQ(second.run("INSERT INTO result VALUES (2)"), SQLITE_OK);
  // A reader's snapshot stands while another connection writes and checkpoints.
  ASSERT_EQ(first.run("BEGIN"), SQLITE_OK);
  EXPECT_EQ(first.rows("SELECT count(*) FROM result"), std::vector<std::string>{"2"});
  ASSERT_EQ(second.run("INSERT INTO result VALUES (3); PRAGMA wal_checkpoint(PASSIVE)"), SQLITE_OK);
  EXPECT_EQ(first.rows("SELECT count(*) FROM result"), std::vector<std::string>{"2"});
  EXPECT_EQ(second.rows("PRAGMA wal_checkpoint(TRUNCATE)"), std::vector<std::string>{"1"}) << "busy: a reader";
  ASSERT_EQ(first.run("COMMIT"), SQLITE_OK);
  EXPECT_EQ(second.rows("PRAGMA wal_checkpoint(TRUNCATE)"), std::vector<std::string>{"0"});
}

TEST(PowerLossVfs, ConnectionsOfOneProcessLockEachOtherOutWithARollbackJournal) {
  PowerLossVfs vfs(std::make_shared<PowerLossDisk>());
  Connection first(vfs);
  Connection second(vfs);
  ASSERT_EQ(first.run("CREATE TABLE result (id INTEGER PRIMARY KEY)"), SQLITE_OK);
  ASSERT_EQ(second.run("BEGIN; SELECT * FROM result"), SQLITE_OK);
  ASSERT_EQ(first.run("BEGIN IMMEDIATE; INSERT INTO result VALUES (1)"), SQLITE_OK);
  EXPECT_EQ(first.run("COMMIT"), SQLITE_BUSY) << "a reader is inside";
  ASSERT_EQ(second.run("COMMIT"), SQLITE_OK);
  EXPECT_EQ(first.run("COMMIT"), SQLITE_OK);
  EXPECT_EQ(second.rows("SELECT count(*) FROM result"), std::vector<std::string>{"1"});
}

TEST(PowerLossVfs, TheLastCloseRemovesTheWalUnlessItIsToPersist) {
  const auto disk = std::make_shared<PowerLossDisk>();
  PowerLossVfs vfs(disk);
  { EXPECT_EQ(Connection(vfs).run(wal + "CREATE TABLE result (id)"), SQLITE_OK); }
  EXPECT_EQ(disk->paths(), std::vector<std::string>{path});
  {
    Connection connection(vfs);
    int persist = 1;
    EXPECT_EQ(connection.control(SQLITE_FCNTL_PERSIST_WAL, &persist), SQLITE_OK);
    EXPECT_EQ(connection.run("INSERT INTO result VALUES (1)"), SQLITE_OK);
  }
  EXPECT_EQ(disk->paths(), (std::vector<std::string>{path, path + "-wal"}));
}

TEST(PowerLossVfs, AfterTheCutEveryConnectionFailsAndCanBeClosed) {
  const auto disk = std::make_shared<PowerLossDisk>();
  PowerLossVfs vfs(disk);
  Connection writer(vfs);
  Connection reader(vfs, SQLITE_OPEN_READONLY);
  ASSERT_EQ(writer.run(wal + "CREATE TABLE result (id)"), SQLITE_OK);
  bool told = false;
  disk->cut_power_at(1, [&told](unsigned left) { told = left == 0; });
  EXPECT_EQ(writer.run("INSERT INTO result VALUES (1)") & 0xff, SQLITE_IOERR);
  EXPECT_TRUE(told);
  EXPECT_FALSE(reader.rows("SELECT * FROM result"));
  EXPECT_NE(Connection(vfs).run("SELECT * FROM sqlite_master"), SQLITE_OK);
}

TEST(PowerLossVfs, PowerGoesInTheMiddleOfSeveralThreads) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    auto disk = std::make_shared<PowerLossDisk>();
    std::atomic<int> acknowledged{0};
    {
      PowerLossVfs vfs(disk);
      Connection writer(vfs);
      ASSERT_EQ(writer.run(wal + "CREATE TABLE result (id INTEGER PRIMARY KEY, bytes TEXT)"), SQLITE_OK);
      disk->cut_power_at(100 + random() % 400);
      std::atomic<bool> done{false};
      const auto read = [&] {
        Connection reader(vfs, SQLITE_OPEN_READONLY);
        int last = 0;
        while (!done) {
          const auto rows = reader.rows("SELECT count(*) FROM result");
          if (!rows) break;
          EXPECT_GE(std::stoi(rows->front()), last);
          last = std::stoi(rows->front());
        }
      };
      std::thread first(read);
      std::thread second(read);
      while (writer.run("INSERT INTO result (bytes) VALUES (randomblob(3000))") == SQLITE_OK) ++acknowledged;
      done = true;
      first.join();
      second.join();
    }
    disk = disk->after_power_cut(random);
    PowerLossVfs vfs(disk);
    Connection connection(vfs);
    EXPECT_EQ(connection.rows("PRAGMA integrity_check"), std::vector<std::string>{"ok"}) << "seed " << seed;
    const auto rows = connection.rows("SELECT count(*) FROM result");
    ASSERT_TRUE(rows);
    EXPECT_GE(std::stoi(rows->front()), acknowledged) << "seed " << seed;
    EXPECT_LE(std::stoi(rows->front()), acknowledged + 1) << "seed " << seed;
  }
}

// ---- The disk -------------------------------------------------------------------------------------------------------

std::string left_of(const PowerLossDisk& disk, const std::string& file) {
  const auto handle = disk.find(file);
  return handle ? handle->durable : "(no such file)";
}

// Every outcome that many power cuts give.
std::set<std::string> outcomes(const PowerLossDisk& disk, const std::string& file) {
  std::mt19937_64 random(1);
  std::set<std::string> found;
  for (int i = 0; i < 300; ++i) found.insert(left_of(*disk.after_power_cut(random), file));
  return found;
}

TEST(PowerLossDisk, WhatIsSyncedWithItsFolderStays) {
  PowerLossDisk disk;
  bool created = false;
  const auto file = disk.open("/a/file", created);
  ASSERT_TRUE(created);
  disk.write(file, 0, "bytes");
  EXPECT_EQ(disk.sync(file), PowerLossDisk::Answer::done);
  EXPECT_EQ(outcomes(disk, "/a/file"), (std::set<std::string>{"(no such file)", "bytes"}));
  disk.sync_folder_of("/a/file");
  EXPECT_EQ(outcomes(disk, "/a/file"), std::set<std::string>{"bytes"});
  disk.remove("/a/file");
  EXPECT_EQ(outcomes(disk, "/a/file"), (std::set<std::string>{"(no such file)", "bytes"}));
}

TEST(PowerLossDisk, UnsyncedWritesAreTornAtSectorsAndReordered) {
  PowerLossDisk disk;
  bool created = false;
  const auto file = disk.open("/a/file", created);
  disk.write(file, 0, std::string(1024, 'o'));
  disk.sync(file);
  disk.sync_folder_of("/a/file");
  disk.write(file, 0, std::string(1024, 'n'));
  disk.write(file, 1, "2");
  const auto found = outcomes(disk, "/a/file");
  const std::string old_half(512, 'o');
  const std::string new_half(512, 'n');
  std::string second(old_half);
  second[1] = '2';
  EXPECT_TRUE(found.contains(old_half + old_half));
  EXPECT_TRUE(found.contains(old_half + new_half));
  EXPECT_TRUE(found.contains(new_half + old_half));
  EXPECT_TRUE(found.contains(new_half + new_half));
  EXPECT_TRUE(found.contains(second + old_half)) << "the later write alone";
  EXPECT_EQ(found.size(), 8U) << "and nothing that is torn inside a sector";
}

TEST(PowerLossDisk, ATruncationMayBeLostWhileALaterWriteStays) {
  PowerLossDisk disk;
  bool created = false;
  const auto file = disk.open("/a/file", created);
  disk.write(file, 0, "old bytes");
  disk.sync(file);
  disk.sync_folder_of("/a/file");
  disk.truncate(file, 0);
  disk.write(file, 0, "new");
  auto found = outcomes(disk, "/a/file");
  for (const std::string outcome : {"old bytes", "", "new", "new bytes"}) {
    EXPECT_TRUE(found.contains(outcome)) << outcome;
    found.erase(outcome);
  }
  EXPECT_TRUE(found.contains(std::string(3, '\0'))) << "it grew, its bytes never came";
  for (const std::string& outcome : found) EXPECT_EQ(outcome.size(), 3U) << "or what stood on the disk before";
}

TEST(PowerLossDisk, ASyncAfterAFailedOneProvesNothing) {
  std::mt19937_64 random(3);
  bool hole = false;
  for (int i = 0; i < 50 && !hole; ++i) {
    PowerLossDisk disk;
    bool created = false;
    const auto file = disk.open("/a/file", created);
    disk.sync_folder_of("/a/file");
    disk.write(file, 0, "bytes");
    disk.fail_sync(file, random);
    EXPECT_EQ(disk.sync(file), PowerLossDisk::Answer::done);
    EXPECT_EQ(disk.read(file, 0, 5), "bytes") << "the running process still sees them";
    hole = outcomes(disk, "/a/file") != std::set<std::string>{"bytes"};
  }
  EXPECT_TRUE(hole);
}

TEST(PowerLossDisk, TheOperationAtTheCutIsUnderWayAndNothingComesAfter) {
  PowerLossDisk disk;
  bool created = false;
  const auto file = disk.open("/a/file", created);
  disk.sync_folder_of("/a/file");
  disk.cut_power_at(2);
  EXPECT_EQ(disk.write(file, 0, "1"), PowerLossDisk::Answer::done);
  EXPECT_EQ(disk.write(file, 1, "2"), PowerLossDisk::Answer::power_off);
  EXPECT_EQ(disk.write(file, 2, "3"), PowerLossDisk::Answer::power_off);
  EXPECT_TRUE(disk.power_is_off());
  const auto found = outcomes(disk, "/a/file");
  EXPECT_TRUE(found.contains("12"));
  EXPECT_TRUE(found.contains("1"));
  EXPECT_TRUE(found.contains(""));
  EXPECT_FALSE(found.contains("123"));
}

TEST(PowerLossDisk, ASeedRepeatsItsOutcome) {
  PowerLossDisk disk;
  bool created = false;
  const auto file = disk.open("/a/file", created);
  for (int i = 0; i < 50; ++i) disk.write(file, static_cast<std::uint64_t>(i) * 700, std::string(700, 'x'));
  std::mt19937_64 first(9);
  std::mt19937_64 second(9);
  EXPECT_EQ(left_of(*disk.after_power_cut(first), "/a/file"), left_of(*disk.after_power_cut(second), "/a/file"));
}

}  // namespace
}  // namespace relay
