// LockFileKeeper: journal.lock in a power cut. It is a real file, written by the journal through the operating system
// and synced there; the disk in memory knows nothing of it. The keeper notes what it says at the cut and at the
// operation before, and puts back one of the two afterwards, so that what a dying process still writes doesn't count.
//
// A note that was only just begun (a new file) may also come back empty, as zeros, or not at all: its bytes and its
// folder's entry weren't synced yet.
#pragma once

#include <filesystem>
#include <optional>
#include <random>
#include <string>

namespace relay {

class LockFileKeeper {
 public:
  explicit LockFileKeeper(std::filesystem::path path);

  // For PowerLossDisk::cut_power_at; call it with 1 when the cut is planned.
  void near_cut(unsigned operations_left);
  // Puts the file back as the power cut left it. True: as it was before the last operation of the disk, so that this
  // operation can't have happened either (PowerLossDisk::after_power_cut).
  bool restore(std::mt19937_64& random);

 private:
  std::optional<std::string> read() const;
  void write(const std::optional<std::string>& text) const;

  std::filesystem::path path_;
  std::optional<std::string> before_;  // nothing: no file
  std::optional<std::string> at_cut_;
};

}  // namespace relay
