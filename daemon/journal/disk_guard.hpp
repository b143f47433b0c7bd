// Disk guard: whether there is room for more. Knows the journal's limit (journal.max_size, of used pages), the disk's
// (journal.min_free_disk: the low watermark) and the WAL's cap, and holds the reserve file that keeps settlements going
// on a full disk. What was given back of the reserve counts as not free, so that submissions never eat it; it is made
// again above the high watermark.
//
// Thread-safe but for what is the writer's; asking costs a few loads, and one statvfs a second by whoever asks first.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "base/byte_count.hpp"
#include "base/clock.hpp"
#include "journal/journal.hpp"
#include "journal/reserve_file.hpp"

namespace relay {

class DiskGuard {
 public:
  DiskGuard(const JournalOptions& options, const Clock& clock);

  // Why `size` bytes more can't be taken now.
  std::optional<AppendRefusal> refuses(ByteCount size) const;
  // In words and numbers, for a person.
  std::string explain(AppendRefusal refusal) const;

  // The writer says how much of the database is in use, after each commit.
  void set_used(ByteCount used) { used_.store(used.value, std::memory_order_relaxed); }
  // SQLite met a full disk. Appends are refused for a second, then the next one tries again.
  void disk_was_full();
  // The WAL is at its cap and readers hold it there: nothing is taken until it could be written back.
  void set_wal_held(bool held) { wal_held_.store(held, std::memory_order_relaxed); }
  bool wal_held() const { return wal_held_.load(std::memory_order_relaxed); }

  // The writer's alone. Gives a slice of the reserve back; false where there is none left.
  bool make_room();
  // The writer's alone, at each turn: makes the reserve, or makes it whole, where there is room for it.
  void tend_reserve();

  ByteCount used() const { return {used_.load(std::memory_order_relaxed)}; }
  ByteCount free_disk() const;
  ByteCount wal_size() const;

 private:
  void look() const;
  std::uint64_t must_stay_free() const;

  const std::string folder_;
  const std::string wal_path_;
  const ByteCount max_size_;
  const ByteCount min_free_disk_;
  const Clock& clock_;
  std::atomic<std::uint64_t> used_{0};
  mutable std::atomic<std::int64_t> looked_at_;  // monotonic nanoseconds
  mutable std::atomic<std::uint64_t> free_disk_{UINT64_MAX};
  mutable std::atomic<std::uint64_t> wal_size_{0};
  std::atomic<std::int64_t> full_until_;
  std::atomic<bool> wal_held_{false};
  std::optional<ReserveFile> reserve_;        // none where another VFS keeps the files
  std::int64_t tended_at_;                    // monotonic nanoseconds
  std::atomic<std::uint64_t> given_back_{0};  // of the reserve, in bytes
};

// Before there is a guard: gives a slice of that journal's reserve back where its disk is full. False where it isn't
// full, or nothing is left.
bool give_room_to_open(const std::string& journal);

}  // namespace relay
