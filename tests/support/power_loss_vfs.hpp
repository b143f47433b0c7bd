// PowerLossVfs: SQLite on a PowerLossDisk (see there for the model of failure), for a process with any number of
// connections and threads.
//
// Files keep the manners of SQLite's own unix VFS where durability depends on them: the first sync of a newly made WAL
// or rollback journal syncs its folder too, that of a database doesn't; a removal syncs the folder where SQLite asks
// for it. Locks and the shared memory of WAL are per process and per file, as with several processes on one file;
// shared memory is never on the disk. No memory mapping of files.
//
// Once the disk has lost its power every operation fails with an I/O error, but for giving up locks and closing, so
// that a dead journal can be taken apart.
#pragma once

#include <sqlite3.h>

#include <memory>
#include <string>

#include "support/power_loss_disk.hpp"

namespace relay {

struct PowerLossVfsOptions {
  // Behaves as if every connection had `PRAGMA synchronous=NORMAL`: the WAL is synced when it starts again and before a
  // checkpoint copies from it, but not at a commit. A harness run over it must find lost rows.
  bool as_if_synchronous_normal = false;
};

// A file control of this VFS: the sync that is about to be answered with an error has lost what it should have written
// (PowerLossDisk::fail_sync). The argument is a std::mt19937_64*. Other VFS answer SQLITE_NOTFOUND.
inline constexpr int power_loss_fail_sync_control = 0x52454c59;

// Registered with SQLite while it lives; outlives every connection that uses it.
class PowerLossVfs {
 public:
  explicit PowerLossVfs(std::shared_ptr<PowerLossDisk> disk, PowerLossVfsOptions options = {});
  ~PowerLossVfs();
  PowerLossVfs(const PowerLossVfs&) = delete;
  PowerLossVfs& operator=(const PowerLossVfs&) = delete;

  // Unique in the process; for sqlite3_open_v2 and JournalOptions::vfs.
  const std::string& name() const;
  PowerLossDisk& disk() const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace relay
