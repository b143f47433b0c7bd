#include "journal/disk_guard.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <filesystem>

#include "base/log.hpp"

namespace relay {

namespace {

constexpr std::int64_t look_every = 1'000'000'000;
// What SQLite needs before the first commit: its shared memory, and the WAL's first pages.
constexpr ByteCount room_to_open = mebibytes(1);
// Stays free beyond the low watermark when the reserve is made, so that making it never closes the intake.
constexpr ByteCount between_watermarks = mebibytes(16);

std::int64_t nanoseconds(const Clock& clock) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(clock.monotonic_now().time_since_epoch()).count();
}

std::string folder_of(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

ByteCount size_of_disk(const std::string& folder) {
  struct statvfs disk {};
  if (::statvfs(folder.c_str(), &disk) != 0) return {0};
  return {static_cast<std::uint64_t>(disk.f_blocks) * disk.f_frsize};
}

}  // namespace

bool give_room_to_open(const std::string& journal) {
  const std::string folder = folder_of(journal);
  struct statvfs disk {};
  if (::statvfs(folder.c_str(), &disk) != 0) return false;
  const std::uint64_t free_disk = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
  return free_disk < room_to_open.value &&
         ReserveFile(ReserveFile::path_for(journal), size_of_disk(folder)).give_back();
}

DiskGuard::DiskGuard(const JournalOptions& options, const Clock& clock)
    : folder_(folder_of(options.path)),
      wal_path_(options.path + "-wal"),
      max_size_(options.max_size),
      min_free_disk_(options.min_free_disk),
      clock_(clock),
      looked_at_(nanoseconds(clock) - look_every),
      full_until_(INT64_MIN),
      tended_at_(looked_at_) {
  // Known before anybody can ask: a thread that asks while another one looks for the first time gets what is there.
  look();
  looked_at_ = nanoseconds(clock) - look_every;
  if (!options.vfs.empty()) return;
  reserve_.emplace(ReserveFile::path_for(options.path), size_of_disk(folder_));
  // Shortened before the last end; one that isn't there at all may never have fitted.
  if (reserve_->size().value > 0) given_back_ = reserve_->missing().value;
}

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
  const std::uint64_t must_stay = must_stay_free();
  if (free_disk < must_stay || size.value > free_disk - must_stay) return AppendRefusal::disk_low;
  if (wal_held()) return AppendRefusal::journal_failing;
  if (nanoseconds(clock_) < full_until_.load(std::memory_order_relaxed)) return AppendRefusal::disk_low;
  return std::nullopt;
}

std::string DiskGuard::explain(AppendRefusal refusal) const {
  if (refusal == AppendRefusal::journal_full) {
    return fmt::format("the journal uses {} of its {} bytes (journal.max_size)", used().value, max_size_.value);
  }
  if (refusal == AppendRefusal::journal_failing) {
    return fmt::format("the journal's WAL is at its cap with {} bytes, and readers keep it from being written back",
                       wal_size().value);
  }
  return fmt::format("{} bytes are free where the journal is, {} must stay free (journal.min_free_disk{})",
                     free_disk().value, must_stay_free(),
                     given_back_.load(std::memory_order_relaxed) > 0 ? " and the reserve to be made again" : "");
}

std::uint64_t DiskGuard::must_stay_free() const {
  return min_free_disk_.value + given_back_.load(std::memory_order_relaxed);
}

bool DiskGuard::make_room() {
  if (!reserve_ || !reserve_->give_back()) return false;
  given_back_.store(reserve_->missing().value, std::memory_order_relaxed);
  tended_at_ = nanoseconds(clock_);
  log_warning("the disk is full: a part of the journal's reserve was given back, so that outcomes can be saved",
              {{"left_bytes", reserve_->size().value}});
  return true;
}

void DiskGuard::tend_reserve() {
  const std::int64_t now = nanoseconds(clock_);
  if (!reserve_ || reserve_->missing().value == 0 || now - tended_at_ < look_every) return;
  tended_at_ = now;
  const std::uint64_t missing = reserve_->missing().value;
  if (free_disk().value < min_free_disk_.value + missing + between_watermarks.value) return;
  if (now < full_until_.load(std::memory_order_relaxed)) return;
  if (const auto made = reserve_->make(); !made) {
    // Whoever took the room in between is no failure of ours: tried again at the next turn.
    log_warning("the journal's reserve couldn't be made", {{"error", made.error().message}});
    return;
  }
  given_back_.store(0, std::memory_order_relaxed);
  looked_at_.store(now - look_every, std::memory_order_relaxed);
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
