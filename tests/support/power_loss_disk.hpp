// PowerLossDisk: a disk in memory that can lose its power.
//
// The model
//
// Every file is kept twice: as the running process sees it, and as the platter holds it (the durable image). Between
// the two stands the list of what was done and not yet synced: writes and truncations of the file, and, for a folder,
// creations and removals of its entries. A sync of a file moves everything listed for that file into its durable image;
// a sync of a folder does the same for its entries. A power cut forgets the process's view and leaves, of each list, a
// random part:
//
//   nothing            the disk's cache was never written back
//   everything         it was, just in time; also what was never acknowledged
//   a beginning        written back in order, the last piece torn
//   any operations     written back in any order, each whole or not at all
//   any sectors        written back in any order, each write torn at 512 bytes
//
// So it shows: a missing sync of a file or a folder; an acknowledgement before its sync; reliance on the order of
// unsynced writes; torn pages and torn log frames; a truncation, removal or creation that didn't happen, or happened
// without the write beside it; a file that grew by sectors never written (filled with zeros or with what stood there
// before); recovery that is itself cut off, because the outcome is a new disk that can lose its power again. A sync
// that fails leaves a random part too and forgets the rest, as Linux does (the pages count as clean afterwards): a
// second sync that succeeds says nothing about them.
//
// It can't show: a disk that lies about its sync, rots, or damages bytes beside those being written (a write here
// touches its own bytes only, what SQLite calls power-safe overwrite); a sector torn within its 512 bytes; a file
// system that is stricter or laxer in a way of its own (ext4 in fact orders a rename and most metadata; POSIX doesn't
// promise it, so this model doesn't either); files that don't go through SQLite's VFS (journal.lock), which the harness
// keeps itself. Shared memory (-shm) isn't on the disk at all. Threads interleave as the machine likes: a seed repeats
// every choice of the model, but a run with several threads only nearly.
//
// Thread-safe. Every operation that changes the disk has a number (1, 2, …); the power can be cut at one of them. That
// operation is under way when the power goes: it is listed as unsynced and answered with failure, as is everything
// after it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace relay {

class PowerLossDisk {
 public:
  static constexpr std::size_t sector_size = 512;

  struct Change {
    enum class Kind { write, truncate };
    std::uint64_t number = 0;
    Kind kind = Kind::write;
    std::uint64_t offset = 0;  // truncate: the new size
    std::string bytes;
  };
  // One file's data; lives while it has a name or somebody holds it open.
  struct File {
    std::string current;
    std::string durable;
    std::vector<Change> unsynced;
  };
  using FileHandle = std::shared_ptr<File>;

  enum class Answer { done, absent, power_off };

  PowerLossDisk() = default;
  PowerLossDisk(const PowerLossDisk&) = delete;
  PowerLossDisk& operator=(const PowerLossDisk&) = delete;

  // Cuts the power at the n-th changing operation from now (1: the next). `near_cut` runs inside that operation with 0,
  // and inside the one before with 1: for whoever has to keep what isn't on this disk as it was at those moments.
  using NearCut = std::function<void(unsigned operations_left)>;
  void cut_power_at(std::uint64_t n, NearCut near_cut = {});
  void cut_power();
  bool power_is_off() const;
  // Changing operations so far.
  std::uint64_t operations() const;

  // What is left when the power goes now; all of it durable. Several calls give several possible outcomes.
  // `before_last`: as if it had gone just before the last operation.
  std::shared_ptr<PowerLossDisk> after_power_cut(std::mt19937_64& random, bool before_last = false) const;

  // ---- What a process does with it. A path names a file; what stands before its last '/' is its folder.

  // Nothing where there is no such file.
  FileHandle find(const std::string& path) const;
  // The file, made where it is missing; nothing when the power is off.
  FileHandle open(const std::string& path, bool& created);
  Answer remove(const std::string& path);
  Answer sync_folder_of(const std::string& path);

  // Fewer bytes at the end of the file; nothing when the power is off.
  std::optional<std::string> read(const FileHandle& file, std::uint64_t offset, std::size_t size) const;
  Answer write(const FileHandle& file, std::uint64_t offset, std::string_view bytes);
  Answer truncate(const FileHandle& file, std::uint64_t size);
  Answer sync(const FileHandle& file);
  // The sync fails: a random part of what was unsynced reaches the disk, the rest never will.
  void fail_sync(const FileHandle& file, std::mt19937_64& random);
  std::optional<std::uint64_t> size(const FileHandle& file) const;

  // Names of the files, as the process sees them.
  std::vector<std::string> paths() const;
  // Flips bits of a durable and current byte (bit rot), for tests that want it. False where there is no such byte.
  bool rot(const std::string& path, std::uint64_t offset, std::uint8_t mask);

 private:
  struct EntryChange {
    std::uint64_t number = 0;
    std::string path;
    FileHandle file;  // nothing: removed
  };
  struct Folder {
    std::map<std::string, FileHandle> current;
    std::map<std::string, FileHandle> durable;
    std::vector<EntryChange> unsynced;
  };

  // Counts a changing operation; false where the power was off before it.
  bool begin_change();
  Folder& folder_of(const std::string& path);
  const Folder* find_folder_of(const std::string& path) const;

  mutable std::mutex mutex_;
  std::map<std::string, Folder> folders_;
  std::uint64_t operations_ = 0;
  std::uint64_t cut_at_ = 0;  // 0: not planned
  NearCut near_cut_;
  bool power_off_ = false;
};

}  // namespace relay
