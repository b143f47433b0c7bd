// journal.reserve: space that is held beside the database for the day the disk is full. Given back in slices, so that
// settlements and erasures can be committed where nothing else fits; made again when there is room. Holds nothing but
// zeros. A file system that copies on write (btrfs, ZFS) promises no space by it; there it only helps.
//
// Belongs to one thread at a time.
#pragma once

#include <filesystem>

#include "base/byte_count.hpp"
#include "base/file.hpp"
#include "base/result.hpp"

namespace relay {

class ReserveFile {
 public:
  // The WAL's cap (128 MiB) and 16 MiB; on a small disk a quarter of it.
  static constexpr ByteCount largest = mebibytes(144);
  // journal.db → journal.reserve
  static std::filesystem::path path_for(const std::filesystem::path& database);

  // Takes the one that is there as it is; makes nothing.
  ReserveFile(std::filesystem::path path, ByteCount disk);

  ByteCount size() const { return size_; }  // held now
  ByteCount missing() const;                // of what belongs there
  // Brings it to its size, allocated and durable; after a failure nothing is held.
  Result<void, FileError> make();
  // Shortens it by a slice. False where nothing is left, or the file can't be changed.
  bool give_back();

 private:
  void remove();

  const std::filesystem::path path_;
  const ByteCount wanted_;
  ByteCount size_{0};
};

}  // namespace relay
