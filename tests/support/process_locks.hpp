// ProcessLocks: what the connections of one process share about one file of an in-memory SQLite VFS: the lock levels of
// a database file and the shared memory of its WAL-index. Never on a disk; gone with the last connection.
//
// Thread-safe. The answers are SQLite's result codes; the rules are those of https://sqlite.org/lockingv3.html and
// https://sqlite.org/walformat.html.
#pragma once

#include <sqlite3.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace relay {

class ProcessLocks {
 public:
  // One connection's part. Used by one thread at a time, as SQLite promises.
  struct Holder {
    int level = SQLITE_LOCK_NONE;
    bool mapped = false;  // uses the shared memory
    unsigned slots_shared = 0;
    unsigned slots_exclusive = 0;
  };

  int lock(Holder& holder, int level);
  void unlock(Holder& holder, int level);
  bool reserved();

  // nullptr in *memory where the region doesn't exist and isn't to be made.
  void map(Holder& holder, int region, int size, bool extend, void volatile** memory);
  // `flags` as for xShmLock.
  int lock_slots(Holder& holder, int first, int count, int flags);
  void unmap(Holder& holder);
  void barrier();

  // Is a checkpoint of this database running?
  bool checkpointing();

 private:
  static constexpr std::size_t slots = SQLITE_SHM_NLOCK;

  std::atomic<unsigned> barriers_{0};
  std::mutex mutex_;
  int shared_ = 0;  // holders at SQLITE_LOCK_SHARED or above
  const Holder* reserved_ = nullptr;
  const Holder* pending_ = nullptr;
  const Holder* exclusive_ = nullptr;

  int mappings_ = 0;
  std::vector<std::unique_ptr<std::vector<std::uint64_t>>> regions_;
  std::array<int, slots> slot_shared_{};
  std::array<const Holder*, slots> slot_exclusive_{};
};

}  // namespace relay
