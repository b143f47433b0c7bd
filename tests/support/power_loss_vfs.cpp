#include "support/power_loss_vfs.hpp"

#include <atomic>
#include <cstring>
#include <map>
#include <mutex>
#include <stdexcept>

#include "support/process_locks.hpp"

namespace relay {
namespace {

using FileHandle = PowerLossDisk::FileHandle;
using Answer = PowerLossDisk::Answer;

constexpr int wal_header_size = 32;
constexpr int longest_path = 512;

struct Vfs {
  sqlite3_vfs vfs{};
  std::string name;
  std::shared_ptr<PowerLossDisk> disk;
  PowerLossVfsOptions options;
  sqlite3_vfs* machine = nullptr;  // for time, sleep and randomness

  std::mutex mutex;
  std::map<const PowerLossDisk::File*, std::weak_ptr<ProcessLocks>> locks;

  std::shared_ptr<ProcessLocks> locks_of(const FileHandle& file) {
    std::lock_guard guard(mutex);
    if (auto known = locks[file.get()].lock()) return known;
    auto made = std::make_shared<ProcessLocks>();
    locks[file.get()] = made;
    return made;
  }
};

struct OpenFile {
  Vfs& vfs;
  std::string path;  // empty: a temporary file without a name
  FileHandle file;
  std::shared_ptr<ProcessLocks> locks;
  ProcessLocks::Holder holder{};
  bool is_wal = false;
  bool remove_at_close = false;
  bool sync_folder = false;         // with the next sync
  bool header_was_written = false;  // the last write was a WAL's header
  int persist_wal = 0;
};

// What SQLite allocates for us.
struct Handle {
  sqlite3_file base;
  OpenFile* open;
};

OpenFile& opened(sqlite3_file* file) {
  return *reinterpret_cast<Handle*>(file)->open;
}
Vfs& vfs_of(sqlite3_vfs* vfs) {
  return *static_cast<Vfs*>(vfs->pAppData);
}

int close_file(sqlite3_file* base) {
  OpenFile* open = reinterpret_cast<Handle*>(base)->open;
  open->locks->unlock(open->holder, SQLITE_LOCK_NONE);
  open->locks->unmap(open->holder);
  if (open->remove_at_close && !open->path.empty()) open->vfs.disk->remove(open->path);
  delete open;
  base->pMethods = nullptr;
  return SQLITE_OK;
}

int read_file_bytes(sqlite3_file* base, void* into, int size, sqlite3_int64 offset) {
  OpenFile& open = opened(base);
  const auto bytes = open.vfs.disk->read(open.file, static_cast<std::uint64_t>(offset), static_cast<std::size_t>(size));
  if (!bytes) return SQLITE_IOERR_READ;
  std::memcpy(into, bytes->data(), bytes->size());
  if (bytes->size() == static_cast<std::size_t>(size)) return SQLITE_OK;
  std::memset(static_cast<char*>(into) + bytes->size(), 0, static_cast<std::size_t>(size) - bytes->size());
  return SQLITE_IOERR_SHORT_READ;
}

int write_file_bytes(sqlite3_file* base, const void* from, int size, sqlite3_int64 offset) {
  OpenFile& open = opened(base);
  open.header_was_written = open.is_wal && offset == 0 && size == wal_header_size;
  const std::string_view bytes(static_cast<const char*>(from), static_cast<std::size_t>(size));
  return open.vfs.disk->write(open.file, static_cast<std::uint64_t>(offset), bytes) == Answer::done
             ? SQLITE_OK
             : SQLITE_IOERR_WRITE;
}

int truncate_file(sqlite3_file* base, sqlite3_int64 size) {
  OpenFile& open = opened(base);
  return open.vfs.disk->truncate(open.file, static_cast<std::uint64_t>(size)) == Answer::done ? SQLITE_OK
                                                                                              : SQLITE_IOERR_TRUNCATE;
}

// The sync of a WAL that synchronous=NORMAL leaves out: at a commit, when neither its header is new nor a checkpoint is
// about to copy from it.
bool normal_skips(OpenFile& open) {
  if (!open.vfs.options.as_if_synchronous_normal || !open.is_wal || open.header_was_written) return false;
  const std::string database_path = open.path.substr(0, open.path.size() - std::strlen("-wal"));
  const FileHandle database = open.vfs.disk->find(database_path);
  return database && !open.vfs.locks_of(database)->checkpointing();
}

int sync_file_bytes(sqlite3_file* base, int) {
  OpenFile& open = opened(base);
  if (normal_skips(open)) return open.vfs.disk->power_is_off() ? SQLITE_IOERR_FSYNC : SQLITE_OK;
  open.header_was_written = false;
  if (open.vfs.disk->sync(open.file) != Answer::done) return SQLITE_IOERR_FSYNC;
  if (open.sync_folder) {
    if (open.vfs.disk->sync_folder_of(open.path) != Answer::done) return SQLITE_IOERR_DIR_FSYNC;
    open.sync_folder = false;
  }
  return SQLITE_OK;
}

int file_size(sqlite3_file* base, sqlite3_int64* size) {
  OpenFile& open = opened(base);
  const auto bytes = open.vfs.disk->size(open.file);
  if (!bytes) return SQLITE_IOERR_FSTAT;
  *size = static_cast<sqlite3_int64>(*bytes);
  return SQLITE_OK;
}

int lock_file(sqlite3_file* base, int level) {
  OpenFile& open = opened(base);
  if (open.vfs.disk->power_is_off()) return SQLITE_IOERR_LOCK;
  return open.locks->lock(open.holder, level);
}

int unlock_file(sqlite3_file* base, int level) {
  OpenFile& open = opened(base);
  open.locks->unlock(open.holder, level);
  return SQLITE_OK;
}

int check_reserved_lock(sqlite3_file* base, int* held) {
  OpenFile& open = opened(base);
  if (open.vfs.disk->power_is_off()) return SQLITE_IOERR_CHECKRESERVEDLOCK;
  *held = open.locks->reserved();
  return SQLITE_OK;
}

int file_control(sqlite3_file* base, int operation, void* argument) {
  OpenFile& open = opened(base);
  switch (operation) {
    case SQLITE_FCNTL_LOCKSTATE:
      *static_cast<int*>(argument) = open.holder.level;
      return SQLITE_OK;
    case SQLITE_FCNTL_PERSIST_WAL: {
      int& value = *static_cast<int*>(argument);
      if (value < 0) {
        value = open.persist_wal;
      } else {
        open.persist_wal = value != 0;
      }
      return SQLITE_OK;
    }
    case SQLITE_FCNTL_VFSNAME:
      *static_cast<char**>(argument) = sqlite3_mprintf("%s", open.vfs.name.c_str());
      return SQLITE_OK;
    case SQLITE_FCNTL_HAS_MOVED:
      *static_cast<int*>(argument) = open.vfs.disk->find(open.path) != open.file;
      return SQLITE_OK;
    case SQLITE_FCNTL_SIZE_HINT:
    case SQLITE_FCNTL_CHUNK_SIZE:
      return SQLITE_OK;
    case power_loss_fail_sync_control:
      open.vfs.disk->fail_sync(open.file, *static_cast<std::mt19937_64*>(argument));
      return SQLITE_OK;
    default:
      return SQLITE_NOTFOUND;
  }
}

// As the unix VFS says of an ordinary file system.
int sector_size(sqlite3_file*) {
  return 4096;
}
int device_characteristics(sqlite3_file*) {
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

int map_shared_memory(sqlite3_file* base, int region, int size, int extend, void volatile** memory) {
  OpenFile& open = opened(base);
  *memory = nullptr;
  if (open.vfs.disk->power_is_off()) return SQLITE_IOERR_SHMMAP;
  open.locks->map(open.holder, region, size, extend != 0, memory);
  return SQLITE_OK;
}

int lock_shared_memory(sqlite3_file* base, int first, int count, int flags) {
  OpenFile& open = opened(base);
  if ((flags & SQLITE_SHM_LOCK) && open.vfs.disk->power_is_off()) return SQLITE_IOERR_SHMLOCK;
  return open.locks->lock_slots(open.holder, first, count, flags);
}

void shared_memory_barrier(sqlite3_file* base) {
  opened(base).locks->barrier();
}

int unmap_shared_memory(sqlite3_file* base, int) {
  OpenFile& open = opened(base);
  open.locks->unmap(open.holder);
  return SQLITE_OK;
}

constexpr sqlite3_io_methods io_methods = {
    .iVersion = 2,  // no memory mapping
    .xClose = close_file,
    .xRead = read_file_bytes,
    .xWrite = write_file_bytes,
    .xTruncate = truncate_file,
    .xSync = sync_file_bytes,
    .xFileSize = file_size,
    .xLock = lock_file,
    .xUnlock = unlock_file,
    .xCheckReservedLock = check_reserved_lock,
    .xFileControl = file_control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = device_characteristics,
    .xShmMap = map_shared_memory,
    .xShmLock = lock_shared_memory,
    .xShmBarrier = shared_memory_barrier,
    .xShmUnmap = unmap_shared_memory,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

int open_path(sqlite3_vfs* base_vfs, const char* path, sqlite3_file* base, int flags, int* flags_out) {
  Vfs& vfs = vfs_of(base_vfs);
  base->pMethods = nullptr;
  if (vfs.disk->power_is_off()) return SQLITE_IOERR;
  FileHandle file;
  bool created = false;
  if (!path) {
    file = std::make_shared<PowerLossDisk::File>();
  } else if (flags & SQLITE_OPEN_CREATE) {
    file = vfs.disk->open(path, created);
    if (!file) return SQLITE_IOERR;
    if ((flags & SQLITE_OPEN_EXCLUSIVE) && !created) return SQLITE_CANTOPEN;
  } else {
    file = vfs.disk->find(path);
    if (!file) return SQLITE_CANTOPEN;
  }
  constexpr int folder_synced = SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL;
  auto locks = vfs.locks_of(file);
  reinterpret_cast<Handle*>(base)->open = new OpenFile{
      .vfs = vfs,
      .path = path ? path : "",
      .file = std::move(file),
      .locks = std::move(locks),
      .is_wal = (flags & SQLITE_OPEN_WAL) != 0,
      .remove_at_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0,
      .sync_folder = path != nullptr && (flags & SQLITE_OPEN_CREATE) && (flags & folder_synced),
  };
  base->pMethods = &io_methods;
  if (flags_out) *flags_out = flags;
  return SQLITE_OK;
}

int delete_path(sqlite3_vfs* base_vfs, const char* path, int sync_folder) {
  PowerLossDisk& disk = *vfs_of(base_vfs).disk;
  const Answer answer = disk.remove(path);
  if (answer == Answer::absent) return SQLITE_IOERR_DELETE_NOENT;
  if (answer == Answer::power_off) return SQLITE_IOERR_DELETE;
  if (sync_folder && disk.sync_folder_of(path) != Answer::done) return SQLITE_IOERR_DIR_FSYNC;
  return SQLITE_OK;
}

int access_path(sqlite3_vfs* base_vfs, const char* path, int flags, int* result) {
  PowerLossDisk& disk = *vfs_of(base_vfs).disk;
  if (disk.power_is_off()) return SQLITE_IOERR_ACCESS;
  const FileHandle file = disk.find(path);
  // An empty file doesn't count as existing, as in the unix VFS.
  *result = file && (flags != SQLITE_ACCESS_EXISTS || disk.size(file).value_or(0) > 0);
  return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* path, int size, char* out) {
  if (std::strlen(path) >= static_cast<std::size_t>(size)) return SQLITE_CANTOPEN;
  std::strcpy(out, path);
  return SQLITE_OK;
}

int randomness(sqlite3_vfs* vfs, int size, char* out) {
  sqlite3_vfs* machine = vfs_of(vfs).machine;
  return machine->xRandomness(machine, size, out);
}
int sleep_microseconds(sqlite3_vfs* vfs, int microseconds) {
  sqlite3_vfs* machine = vfs_of(vfs).machine;
  return machine->xSleep(machine, microseconds);
}
int current_time(sqlite3_vfs* vfs, double* days) {
  sqlite3_vfs* machine = vfs_of(vfs).machine;
  return machine->xCurrentTime(machine, days);
}
int current_time_milliseconds(sqlite3_vfs* vfs, sqlite3_int64* milliseconds) {
  sqlite3_vfs* machine = vfs_of(vfs).machine;
  return machine->xCurrentTimeInt64(machine, milliseconds);
}
int last_error(sqlite3_vfs*, int, char*) {
  return 0;
}

}  // namespace

struct PowerLossVfs::Implementation : Vfs {};

PowerLossVfs::PowerLossVfs(std::shared_ptr<PowerLossDisk> disk, PowerLossVfsOptions options)
    : implementation_(std::make_unique<Implementation>()) {
  static std::atomic<unsigned> made{0};
  Vfs& own = *implementation_;
  own.name = "power-loss-" + std::to_string(++made);
  own.disk = std::move(disk);
  own.options = options;
  own.machine = sqlite3_vfs_find(nullptr);
  own.vfs.iVersion = 2;
  own.vfs.szOsFile = sizeof(Handle);
  own.vfs.mxPathname = longest_path;
  own.vfs.zName = own.name.c_str();
  own.vfs.pAppData = &own;
  own.vfs.xOpen = open_path;
  own.vfs.xDelete = delete_path;
  own.vfs.xAccess = access_path;
  own.vfs.xFullPathname = full_path;
  own.vfs.xRandomness = randomness;
  own.vfs.xSleep = sleep_microseconds;
  own.vfs.xCurrentTime = current_time;
  own.vfs.xGetLastError = last_error;
  own.vfs.xCurrentTimeInt64 = current_time_milliseconds;
  if (sqlite3_vfs_register(&own.vfs, 0) != SQLITE_OK) throw std::runtime_error("can't register a SQLite VFS");
}

PowerLossVfs::~PowerLossVfs() {
  sqlite3_vfs_unregister(&implementation_->vfs);
}

const std::string& PowerLossVfs::name() const {
  return implementation_->name;
}
PowerLossDisk& PowerLossVfs::disk() const {
  return *implementation_->disk;
}

}  // namespace relay
