#include "journal/gathered_writes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace relay {

namespace {

// A commit under load has 240 KiB.
constexpr std::size_t room_size = 256 * 1024;
// SQLite's layer for Unix takes less than 128 KiB with one call.
constexpr std::size_t piece_size = 124 * 1024;

}  // namespace

// What SQLite allocates for an open WAL, at a multiple of 8 and no more; the file below follows it.
struct alignas(8) GatheredWrites::Wal {
  sqlite3_file base;
  GatheredWrites* owner;
};

int GatheredWrites::write_out(sqlite3_file* wal) {
  const std::size_t size = std::exchange(held_, 0);
  if (size > 0) synced_ = false;
  for (std::size_t done = 0; done < size;) {
    const std::size_t piece = std::min(size - done, piece_size);
    const int result = wal->pMethods->xWrite(wal, room_.data() + done, static_cast<int>(piece),
                                             held_begin_ + static_cast<sqlite3_int64>(done));
    if (result != SQLITE_OK) return result;
    done += piece;
  }
  return SQLITE_OK;
}

int GatheredWrites::write(sqlite3_file* wal, const char* from, std::size_t size, sqlite3_int64 offset) {
  const bool follows = offset == held_begin_ + static_cast<sqlite3_int64>(held_);
  if (held_ > 0 && (!follows || held_ + size > room_.size())) {
    const int result = write_out(wal);
    if (result != SQLITE_OK) return result;
  }
  if (size > room_.size()) {
    synced_ = false;
    return wal->pMethods->xWrite(wal, from, static_cast<int>(size), offset);
  }
  if (held_ == 0) held_begin_ = offset;
  std::memcpy(room_.data() + held_, from, size);
  held_ += size;
  return SQLITE_OK;
}

// ---- The WAL, as SQLite calls it ------------------------------------------------------------------------------------

struct GatheredWrites::FileCalls {
  static GatheredWrites& owner(sqlite3_file* file) { return *reinterpret_cast<Wal*>(file)->owner; }
  static sqlite3_file* below(sqlite3_file* file) {
    return reinterpret_cast<sqlite3_file*>(reinterpret_cast<Wal*>(file) + 1);
  }
  // Whatever comes after it sees all that was written.
  static int settle(sqlite3_file* file) { return owner(file).write_out(below(file)); }

  static int close(sqlite3_file* file) {
    const int written = settle(file);
    file->pMethods = nullptr;
    const int closed = below(file)->pMethods->xClose(below(file));
    return written == SQLITE_OK ? closed : written;
  }
  static int read(sqlite3_file* file, void* into, int size, sqlite3_int64 offset) {
    const int written = settle(file);
    return written == SQLITE_OK ? below(file)->pMethods->xRead(below(file), into, size, offset) : written;
  }
  static int write(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
    return owner(file).write(below(file), static_cast<const char*>(from), static_cast<std::size_t>(size), offset);
  }
  static int truncate(sqlite3_file* file, sqlite3_int64 size) {
    const int written = settle(file);
    owner(file).synced_ = false;
    return written == SQLITE_OK ? below(file)->pMethods->xTruncate(below(file), size) : written;
  }
  static int sync(sqlite3_file* file, int flags) {
    const int written = settle(file);
    if (written != SQLITE_OK || owner(file).synced_) return written;
    const int synced = below(file)->pMethods->xSync(below(file), flags);
    owner(file).synced_ = synced == SQLITE_OK;
    return synced;
  }
  static int size(sqlite3_file* file, sqlite3_int64* size) {
    const int written = settle(file);
    return written == SQLITE_OK ? below(file)->pMethods->xFileSize(below(file), size) : written;
  }
  static int lock(sqlite3_file* file, int level) { return below(file)->pMethods->xLock(below(file), level); }
  static int unlock(sqlite3_file* file, int level) { return below(file)->pMethods->xUnlock(below(file), level); }
  static int check_lock(sqlite3_file* file, int* held) {
    return below(file)->pMethods->xCheckReservedLock(below(file), held);
  }
  static int control(sqlite3_file* file, int operation, void* argument) {
    return below(file)->pMethods->xFileControl(below(file), operation, argument);
  }
  static int sector_size(sqlite3_file* file) { return below(file)->pMethods->xSectorSize(below(file)); }
  static int characteristics(sqlite3_file* file) { return below(file)->pMethods->xDeviceCharacteristics(below(file)); }

  // Version 1: nobody maps a WAL or keeps shared memory with it.
  static constexpr sqlite3_io_methods methods = {
      1,           close,           read,    write,   truncate, sync,    size,    lock,   unlock, check_lock, control,
      sector_size, characteristics, nullptr, nullptr, nullptr,  nullptr, nullptr, nullptr};
};

// ---- The layer, as SQLite calls it ----------------------------------------------------------------------------------

struct GatheredWrites::VfsCalls {
  static GatheredWrites& owner(sqlite3_vfs* vfs) { return *static_cast<GatheredWrites*>(vfs->pAppData); }

  // Any other file is the layer's below, with nothing between.
  static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* flags_then) {
    sqlite3_vfs* below = owner(vfs).below_;
    if ((flags & SQLITE_OPEN_WAL) == 0) return below->xOpen(below, path, file, flags, flags_then);
    auto* wal = reinterpret_cast<Wal*>(file);
    wal->base.pMethods = nullptr;
    wal->owner = &owner(vfs);
    wal->owner->held_ = 0;
    wal->owner->synced_ = false;  // a process that was killed may have left more than the disk has
    const int result = below->xOpen(below, path, FileCalls::below(file), flags, flags_then);
    if (result == SQLITE_OK) wal->base.pMethods = &FileCalls::methods;
    return result;
  }
  static int remove(sqlite3_vfs* vfs, const char* path, int sync_folder) {
    sqlite3_vfs* below = owner(vfs).below_;
    return below->xDelete(below, path, sync_folder);
  }
  static int access(sqlite3_vfs* vfs, const char* path, int flags, int* answer) {
    sqlite3_vfs* below = owner(vfs).below_;
    return below->xAccess(below, path, flags, answer);
  }
  static int full_path(sqlite3_vfs* vfs, const char* path, int size, char* into) {
    sqlite3_vfs* below = owner(vfs).below_;
    return below->xFullPathname(below, path, size, into);
  }
  static int randomness(sqlite3_vfs* vfs, int size, char* into) {
    sqlite3_vfs* below = owner(vfs).below_;
    return below->xRandomness(below, size, into);
  }
  static int sleep(sqlite3_vfs* vfs, int microseconds) {
    sqlite3_vfs* below = owner(vfs).below_;
    return below->xSleep(below, microseconds);
  }
  static int time(sqlite3_vfs* vfs, double* now) {
    sqlite3_vfs* below = owner(vfs).below_;
    return below->xCurrentTime(below, now);
  }
  static int last_error(sqlite3_vfs* vfs, int size, char* into) {
    sqlite3_vfs* below = owner(vfs).below_;
    return below->xGetLastError == nullptr ? 0 : below->xGetLastError(below, size, into);
  }
};

GatheredWrites::GatheredWrites(const std::string& below)
    : name_(fmt::format("gathered-writes-{}", static_cast<const void*>(this))),
      below_(sqlite3_vfs_find(below.empty() ? nullptr : below.c_str())),
      room_(room_size) {
  if (below_ == nullptr) throw std::invalid_argument("there is no VFS " + below);
  vfs_.iVersion = 1;
  vfs_.szOsFile = static_cast<int>(sizeof(Wal)) + below_->szOsFile;
  vfs_.mxPathname = below_->mxPathname;
  vfs_.zName = name_.c_str();
  vfs_.pAppData = this;
  vfs_.xOpen = VfsCalls::open;
  vfs_.xDelete = VfsCalls::remove;
  vfs_.xAccess = VfsCalls::access;
  vfs_.xFullPathname = VfsCalls::full_path;
  vfs_.xRandomness = VfsCalls::randomness;
  vfs_.xSleep = VfsCalls::sleep;
  vfs_.xCurrentTime = VfsCalls::time;
  vfs_.xGetLastError = VfsCalls::last_error;
  if (sqlite3_vfs_register(&vfs_, 0) != SQLITE_OK) throw std::runtime_error("SQLite takes no further VFS");
}

GatheredWrites::~GatheredWrites() {
  sqlite3_vfs_unregister(&vfs_);
}

}  // namespace relay
