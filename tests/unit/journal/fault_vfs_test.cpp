// The fault VFS with plain SQLite over it: every fault is hit until none is left, and what was committed stays.
#include "support/fault_vfs.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <random>
#include <set>

#include "support/power_loss_vfs.hpp"

namespace relay {
namespace {

constexpr int rows = 12;

int run(sqlite3* database, const std::string& sql) {
  return sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr);
}

std::set<std::string> column(sqlite3* database, const std::string& sql) {
  std::set<std::string> found;
  const auto take = [](void* into, int, char** values, char**) {
    static_cast<std::set<std::string>*>(into)->insert(values[0]);
    return 0;
  };
  EXPECT_EQ(sqlite3_exec(database, sql.c_str(), take, &found, nullptr), SQLITE_OK) << sqlite3_errmsg(database);
  return found;
}

// Inserts rows with small checkpoints between, and goes on after a failure (SQLite writes the frames of a failed commit
// again, so that a sync that lost them leaves no hole).
std::set<std::string> insert_rows(const std::string& vfs) {
  std::set<std::string> committed;
  sqlite3* database = nullptr;
  sqlite3_open_v2("/journal.db", &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs.c_str());
  run(database, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=8;");
  run(database, "CREATE TABLE result (id INTEGER PRIMARY KEY, bytes BLOB)");
  for (int row = 1; row <= rows; ++row) {
    const std::string id = std::to_string(row);
    if (run(database, "INSERT INTO result VALUES (" + id + ", randomblob(6000))") == SQLITE_OK) committed.insert(id);
  }
  sqlite3_close(database);
  return committed;
}

TEST(FaultVfs, EveryFaultIsHitAndWhatWasCommittedBeforeItStays) {
  for (const FaultyOperation operation : all_faulty_operations) {
    for (const bool from_then_on : {false, true}) {
      std::uint64_t nth = 0;
      for (bool passed = false; !passed;) {
        ASSERT_LT(++nth, 1000U) << faulty_operation_name(operation);
        auto disk = std::make_shared<PowerLossDisk>();
        std::set<std::string> committed;
        {
          PowerLossVfs below(disk);
          FaultVfs vfs(below.name(), nth);
          vfs.plan({.operation = operation, .nth = nth, .from_then_on = from_then_on});
          committed = insert_rows(vfs.name());
          passed = vfs.failures() == 0;
          if (passed) {
            EXPECT_EQ(committed.size(), rows);
          }
        }
        std::mt19937_64 random(nth);
        disk = disk->after_power_cut(random);
        PowerLossVfs vfs(disk);
        sqlite3* database = nullptr;
        ASSERT_EQ(
            sqlite3_open_v2("/journal.db", &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs.name().c_str()),
            SQLITE_OK);
        EXPECT_EQ(column(database, "PRAGMA integrity_check"), std::set<std::string>{"ok"});
        if (!committed.empty()) {
          const auto found = column(database, "SELECT id FROM result");
          for (const std::string& id : committed) {
            EXPECT_TRUE(found.contains(id)) << faulty_operation_name(operation) << " " << nth << " row " << id;
          }
        }
        sqlite3_close(database);
      }
      EXPECT_GT(nth, 1U) << "nothing was hit: " << faulty_operation_name(operation);
    }
  }
}

TEST(FaultVfs, AFullDiskFailsAsFull) {
  PowerLossVfs below(std::make_shared<PowerLossDisk>());
  FaultVfs vfs(below.name());
  sqlite3* database = nullptr;
  sqlite3_open_v2("/journal.db", &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs.name().c_str());
  ASSERT_EQ(run(database, "PRAGMA journal_mode=WAL; CREATE TABLE result (id INTEGER PRIMARY KEY)"), SQLITE_OK);
  vfs.plan({.operation = FaultyOperation::write, .kind = Fault::Kind::disk_full, .from_then_on = true});
  EXPECT_EQ(run(database, "INSERT INTO result VALUES (1)"), SQLITE_FULL);
  EXPECT_EQ(run(database, "INSERT INTO result VALUES (2)"), SQLITE_FULL);
  EXPECT_GE(vfs.failures(), 2U);
  vfs.heal();
  EXPECT_EQ(run(database, "INSERT INTO result VALUES (3)"), SQLITE_OK);
  EXPECT_EQ(column(database, "SELECT id FROM result"), std::set<std::string>{"3"});
  sqlite3_close(database);
}

}  // namespace
}  // namespace relay
