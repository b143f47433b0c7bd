// Disk guard: whether there is room for more. Knows the journal's limit (journal.max_size, of used pages) and the
// disk's (journal.min_free_disk). The watermarks and the reserve file that keep settlements going on a full disk belong
// here.
//
// Thread-safe; asking costs two loads, and one statvfs a second by whoever asks first.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "base/byte_count.hpp"
#include "base/clock.hpp"
#include "journal/journal.hpp"

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

  ByteCount used() const { return {used_.load(std::memory_order_relaxed)}; }
  ByteCount free_disk() const;
  ByteCount wal_size() const;

 private:
  void look() const;

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
};

}  // namespace relay
