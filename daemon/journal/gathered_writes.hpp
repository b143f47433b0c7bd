// A layer between SQLite and its files (a VFS, sqlite.org/vfs.html) that hands what a commit writes to the WAL to the
// system in a few pieces. SQLite writes each page with two calls, thirty for a commit under load, whose system calls
// were a sixth of the writer's time.
//
// And it leaves out a sync behind which nothing was written: before each write-back SQLite syncs the WAL, which the
// last commit has synced already, and the disk takes its time for that all the same.
//
// Promises: SQLite sees a WAL that is written at once. What is held back goes out, in the order it came, before the WAL
// is synced, read, measured, cut off or closed; before a write that doesn't follow on from it; and when the room for it
// is full. A write that the disk refuses is reported by whatever made it go out, for a commit by its sync: SQLite takes
// the transaction back as it does for the write itself.
//
// Nobody else may look at what isn't synced: for a connection with synchronous = FULL, whose commits are visible to
// others only behind their sync. Belongs to that one connection, which it must outlive.
#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <string>
#include <vector>

namespace relay {

class GatheredWrites {
 public:
  // Above the VFS of that name; empty: SQLite's own. Throws std::invalid_argument where there is none.
  explicit GatheredWrites(const std::string& below);
  ~GatheredWrites();
  GatheredWrites(const GatheredWrites&) = delete;
  GatheredWrites& operator=(const GatheredWrites&) = delete;

  // What sqlite3_open_v2() knows it by.
  const char* name() const { return name_.c_str(); }

 private:
  struct Wal;
  struct FileCalls;
  struct VfsCalls;

  // Both answer with SQLite's result codes. write_out() leaves nothing held back, whatever comes of it.
  int write_out(sqlite3_file* wal);
  int write(sqlite3_file* wal, const char* from, std::size_t size, sqlite3_int64 offset);

  std::string name_;
  sqlite3_vfs* below_;
  sqlite3_vfs vfs_{};
  std::vector<char> room_;
  std::size_t held_ = 0;          // bytes of it that wait
  sqlite3_int64 held_begin_ = 0;  // where in the WAL they belong
  bool synced_ = false;           // the disk has confirmed all that the WAL holds
};

}  // namespace relay
