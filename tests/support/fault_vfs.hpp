// FaultVfs: a layer over another SQLite VFS that makes one chosen operation fail: the first write, the second, the
// third …, once or from then on, with an I/O error or because the disk is full.
//
// What fails, fails as it does on a machine: a write that fails has written a part of its bytes (whole sectors); a sync
// that fails has lost what it should have written, where the VFS below knows how (power_loss_fail_sync_control), and
// nothing repeats it later; a truncation, an open, a removal or a mapping that fails has done nothing. A disk that is
// full fails writes alone, and mappings of shared memory, which the real one keeps in a file: a sync has nothing left
// to allocate.
//
// Thread-safe.
#pragma once

#include <sqlite3.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace relay {

enum class FaultyOperation : std::size_t { write, sync, truncate, open, remove, map_shared_memory };
inline constexpr std::array all_faulty_operations = {FaultyOperation::write,    FaultyOperation::sync,
                                                     FaultyOperation::truncate, FaultyOperation::open,
                                                     FaultyOperation::remove,   FaultyOperation::map_shared_memory};
std::string_view faulty_operation_name(FaultyOperation operation);

struct Fault {
  enum class Kind { io_error, disk_full };
  FaultyOperation operation = FaultyOperation::write;
  std::uint64_t nth = 1;  // of that operation, counted from plan() on
  Kind kind = Kind::io_error;
  bool from_then_on = false;
};

// Registered with SQLite while it lives; outlives every connection that uses it; `below` outlives it.
class FaultVfs {
 public:
  explicit FaultVfs(const std::string& below, std::uint64_t seed = 1);
  ~FaultVfs();
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;

  const std::string& name() const;
  void plan(const Fault& fault);
  // Nothing fails from now on.
  void heal();
  // How many operations have failed since plan().
  std::uint64_t failures() const;
  // How many of that operation there were since plan().
  std::uint64_t count(FaultyOperation operation) const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace relay
