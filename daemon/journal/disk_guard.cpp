#include "journal/disk_guard.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <filesystem>

namespace relay {

namespace {

constexpr std::int64_t look_every = 1'000'000'000;

std::int64_t nanoseconds(const Clock& clock) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(clock.monotonic_now().time_since_epoch()).count();
}

std::string folder_of(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

}  // namespace

DiskGuard::DiskGuard(const JournalOptions& options, const Clock& clock)
    : folder_(folder_of(options.path)),
      wal_path_(options.path + "-wal"),
      max_size_(options.max_size),
      min_free_disk_(options.min_free_disk),
      clock_(clock),
      looked_at_(nanoseconds(clock) - look_every),
      full_until_(INT64_MIN) {}

void DiskGuard::look() const {
  const std::int64_t now = nanoseconds(clock_);
  std::int64_t before = looked_at_.load(std::memory_order_relaxed);
  if (now - before < look_every || !looked_at_.compare_exchange_strong(before, now, std::memory_order_relaxed)) return;
  struct statvfs disk {};
  if (::statvfs(folder_.c_str(), &disk) == 0) {
    free_disk_.store(static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize, std::memory_order_relaxed);
  }
  struct stat wal {};
  wal_size_.store(::stat(wal_path_.c_str(), &wal) == 0 ? static_cast<std::uint64_t>(wal.st_size) : 0,
                  std::memory_order_relaxed);
}

std::optional<AppendRefusal> DiskGuard::refuses(ByteCount size) const {
  look();
  const std::uint64_t used = used_.load(std::memory_order_relaxed);
  if (used > max_size_.value || size.value > max_size_.value - used) return AppendRefusal::journal_full;
  const std::uint64_t free_disk = free_disk_.load(std::memory_order_relaxed);
  if (free_disk < min_free_disk_.value || size.value > free_disk - min_free_disk_.value) return AppendRefusal::disk_low;
  if (nanoseconds(clock_) < full_until_.load(std::memory_order_relaxed)) return AppendRefusal::disk_low;
  return std::nullopt;
}

std::string DiskGuard::explain(AppendRefusal refusal) const {
  if (refusal == AppendRefusal::journal_full) {
    return fmt::format("the journal uses {} of its {} bytes (journal.max_size)", used().value, max_size_.value);
  }
  return fmt::format("{} bytes are free where the journal is, {} must stay free (journal.min_free_disk)",
                     free_disk().value, min_free_disk_.value);
}

void DiskGuard::disk_was_full() {
  full_until_.store(nanoseconds(clock_) + look_every, std::memory_order_relaxed);
}

ByteCount DiskGuard::free_disk() const {
  look();
  return {free_disk_.load(std::memory_order_relaxed)};
}

ByteCount DiskGuard::wal_size() const {
  look();
  return {wal_size_.load(std::memory_order_relaxed)};
}

}  // namespace relay
