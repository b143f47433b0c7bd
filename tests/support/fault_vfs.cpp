#include "support/fault_vfs.hpp"

#include <atomic>
#include <mutex>
#include <optional>
#include <random>
#include <stdexcept>

#include "support/power_loss_vfs.hpp"

namespace relay {
namespace {

struct Vfs {
  sqlite3_vfs vfs{};
  std::string name;
  sqlite3_vfs* below = nullptr;

  std::mutex mutex;
  std::optional<Fault> fault;
  std::array<std::uint64_t, all_faulty_operations.size()> counts{};
  std::uint64_t failures = 0;
  std::mt19937_64 random;

  // Counts the operation; the fault's kind where it is to fail.
  std::optional<Fault::Kind> strikes(FaultyOperation operation) {
    std::lock_guard guard(mutex);
    const std::uint64_t number = ++counts[static_cast<std::size_t>(operation)];
    if (!fault || fault->operation != operation) return std::nullopt;
    if (number != fault->nth && !(fault->from_then_on && number > fault->nth)) return std::nullopt;
    ++failures;
    return fault->kind;
  }
};

// What SQLite allocates for us, at a multiple of 8 and no more; the file below follows it.
struct alignas(8) Handle {
  sqlite3_file base;
  Vfs* vfs;
};

Vfs& vfs_of(sqlite3_file* file) {
  return *reinterpret_cast<Handle*>(file)->vfs;
}
Vfs& vfs_of(sqlite3_vfs* vfs) {
  return *static_cast<Vfs*>(vfs->pAppData);
}
sqlite3_file* below(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<Handle*>(file) + 1);
}

int close_file(sqlite3_file* file) {
  file->pMethods = nullptr;
  return below(file)->pMethods->xClose(below(file));
}

int read_bytes(sqlite3_file* file, void* into, int size, sqlite3_int64 offset) {
  return below(file)->pMethods->xRead(below(file), into, size, offset);
}

int write_bytes(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
  const auto kind = vfs_of(file).strikes(FaultyOperation::write);
  if (!kind) return below(file)->pMethods->xWrite(below(file), from, size, offset);
  const auto sector = static_cast<int>(PowerLossDisk::sector_size);
  const int part = size / 2 / sector * sector;
  if (part > 0) below(file)->pMethods->xWrite(below(file), from, part, offset);
  return *kind == Fault::Kind::disk_full ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  if (vfs_of(file).strikes(FaultyOperation::truncate)) return SQLITE_IOERR_TRUNCATE;
  return below(file)->pMethods->xTruncate(below(file), size);
}

int sync_file(sqlite3_file* file, int flags) {
  Vfs& vfs = vfs_of(file);
  if (!vfs.strikes(FaultyOperation::sync)) return below(file)->pMethods->xSync(below(file), flags);
  std::lock_guard guard(vfs.mutex);
  below(file)->pMethods->xFileControl(below(file), power_loss_fail_sync_control, &vfs.random);
  return SQLITE_IOERR_FSYNC;
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return below(file)->pMethods->xFileSize(below(file), size);
}
int lock_file(sqlite3_file* file, int level) {
  return below(file)->pMethods->xLock(below(file), level);
}
int unlock_file(sqlite3_file* file, int level) {
  return below(file)->pMethods->xUnlock(below(file), level);
}
int check_reserved_lock(sqlite3_file* file, int* held) {
  return below(file)->pMethods->xCheckReservedLock(below(file), held);
}
int file_control(sqlite3_file* file, int operation, void* argument) {
  return below(file)->pMethods->xFileControl(below(file), operation, argument);
}
int sector_size(sqlite3_file* file) {
  return below(file)->pMethods->xSectorSize(below(file));
}
int device_characteristics(sqlite3_file* file) {
  return below(file)->pMethods->xDeviceCharacteristics(below(file));
}

int map_shared_memory(sqlite3_file* file, int region, int size, int extend, void volatile** memory) {
  const auto kind = vfs_of(file).strikes(FaultyOperation::map_shared_memory);
  if (!kind) return below(file)->pMethods->xShmMap(below(file), region, size, extend, memory);
  *memory = nullptr;
  return *kind == Fault::Kind::disk_full ? SQLITE_IOERR_SHMSIZE : SQLITE_IOERR_SHMMAP;
}
int lock_shared_memory(sqlite3_file* file, int first, int count, int flags) {
  return below(file)->pMethods->xShmLock(below(file), first, count, flags);
}
void shared_memory_barrier(sqlite3_file* file) {
  below(file)->pMethods->xShmBarrier(below(file));
}
int unmap_shared_memory(sqlite3_file* file, int remove) {
  return below(file)->pMethods->xShmUnmap(below(file), remove);
}

constexpr sqlite3_io_methods io_methods = {
    .iVersion = 2,  // no memory mapping: every byte passes through xRead and xWrite
    .xClose = close_file,
    .xRead = read_bytes,
    .xWrite = write_bytes,
    .xTruncate = truncate_file,
    .xSync = sync_file,
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

int open_path(sqlite3_vfs* base, const char* path, sqlite3_file* file, int flags, int* flags_out) {
  Vfs& vfs = vfs_of(base);
  file->pMethods = nullptr;
  if (vfs.strikes(FaultyOperation::open)) return SQLITE_CANTOPEN;
  reinterpret_cast<Handle*>(file)->vfs = &vfs;
  const int status = vfs.below->xOpen(vfs.below, path, below(file), flags, flags_out);
  if (status == SQLITE_OK) {
    file->pMethods = &io_methods;
  } else if (below(file)->pMethods) {
    below(file)->pMethods->xClose(below(file));
  }
  return status;
}

int delete_path(sqlite3_vfs* base, const char* path, int sync_folder) {
  Vfs& vfs = vfs_of(base);
  if (vfs.strikes(FaultyOperation::remove)) return SQLITE_IOERR_DELETE;
  return vfs.below->xDelete(vfs.below, path, sync_folder);
}
int access_path(sqlite3_vfs* base, const char* path, int flags, int* result) {
  sqlite3_vfs* under = vfs_of(base).below;
  return under->xAccess(under, path, flags, result);
}
int full_path(sqlite3_vfs* base, const char* path, int size, char* out) {
  sqlite3_vfs* under = vfs_of(base).below;
  return under->xFullPathname(under, path, size, out);
}
int randomness(sqlite3_vfs* base, int size, char* out) {
  sqlite3_vfs* under = vfs_of(base).below;
  return under->xRandomness(under, size, out);
}
int sleep_microseconds(sqlite3_vfs* base, int microseconds) {
  sqlite3_vfs* under = vfs_of(base).below;
  return under->xSleep(under, microseconds);
}
int current_time(sqlite3_vfs* base, double* days) {
  sqlite3_vfs* under = vfs_of(base).below;
  return under->xCurrentTime(under, days);
}
int current_time_milliseconds(sqlite3_vfs* base, sqlite3_int64* milliseconds) {
  sqlite3_vfs* under = vfs_of(base).below;
  return under->xCurrentTimeInt64(under, milliseconds);
}
int last_error(sqlite3_vfs* base, int size, char* out) {
  sqlite3_vfs* under = vfs_of(base).below;
  return under->xGetLastError(under, size, out);
}

}  // namespace

std::string_view faulty_operation_name(FaultyOperation operation) {
  switch (operation) {
    case FaultyOperation::write:
      return "write";
    case FaultyOperation::sync:
      return "sync";
    case FaultyOperation::truncate:
      return "truncate";
    case FaultyOperation::open:
      return "open";
    case FaultyOperation::remove:
      return "remove";
    case FaultyOperation::map_shared_memory:
      return "map_shared_memory";
  }
  throw std::logic_error("no such operation");
}

struct FaultVfs::Implementation : Vfs {};

FaultVfs::FaultVfs(const std::string& under, std::uint64_t seed) : implementation_(std::make_unique<Implementation>()) {
  static std::atomic<unsigned> made{0};
  Vfs& own = *implementation_;
  own.name = "fault-" + std::to_string(++made);
  own.below = sqlite3_vfs_find(under.empty() ? nullptr : under.c_str());
  if (!own.below) throw std::runtime_error("no SQLite VFS of the name " + under);
  own.random.seed(seed);
  own.vfs.iVersion = 2;
  own.vfs.szOsFile = static_cast<int>(sizeof(Handle)) + own.below->szOsFile;
  own.vfs.mxPathname = own.below->mxPathname;
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

FaultVfs::~FaultVfs() {
  sqlite3_vfs_unregister(&implementation_->vfs);
}

const std::string& FaultVfs::name() const {
  return implementation_->name;
}

void FaultVfs::plan(const Fault& fault) {
  std::lock_guard guard(implementation_->mutex);
  implementation_->fault = fault;
  implementation_->counts = {};
  implementation_->failures = 0;
}

void FaultVfs::heal() {
  std::lock_guard guard(implementation_->mutex);
  implementation_->fault.reset();
}

std::uint64_t FaultVfs::failures() const {
  std::lock_guard guard(implementation_->mutex);
  return implementation_->failures;
}

std::uint64_t FaultVfs::count(FaultyOperation operation) const {
  std::lock_guard guard(implementation_->mutex);
  return implementation_->counts[static_cast<std::size_t>(operation)];
}

}  // namespace relay
