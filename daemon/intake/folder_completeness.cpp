#include "intake/folder_completeness.hpp"

#include <algorithm>

namespace relay {
namespace {

constexpr std::chrono::seconds empty_for{60};
constexpr std::chrono::minutes nul_for{10};
constexpr std::chrono::seconds most_between_tries{5};
constexpr std::chrono::seconds believes_dates_after{15};

// By its date. Copying programs mark what they haven't finished with a date of 1980 or before.
bool is_old(const FileIdentity& file, WallTime now) {
  constexpr WallTime believable = std::chrono::sys_days(std::chrono::year(2000) / 1 / 1);
  const WallTime modified{
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::nanoseconds(file.modified))};
  return modified >= believable && now - modified >= nul_for;
}

}  // namespace

FileCompleteness::FileCompleteness(const FolderSettings& settings)
    : settle_(settings.complete_when == FileCompleteWhen::settled ? settings.settle : std::chrono::milliseconds(0)) {}

void FileCompleteness::look(const std::vector<FoundFile>& files, MonotonicTime now) {
  ++looks_;
  for (const FoundFile& file : files) {
    Seen& seen = seen_.try_emplace(file.path(), Seen{file.identity, now}).first->second;
    if (seen.identity != file.identity) seen = {file.identity, now};
    seen.look = looks_;
  }
  std::erase_if(seen_, [this](const auto& each) { return each.second.look != looks_; });
}

MonotonicTime FileCompleteness::ready_at(const Seen& seen) const {
  const std::chrono::milliseconds unchanged =
      seen.identity.size == 0 ? std::max<std::chrono::milliseconds>(settle_, empty_for) : settle_;
  return std::max(seen.unchanged_since + unchanged, seen.not_before.value_or(MonotonicTime::min()));
}

FileCompleteness::Verdict FileCompleteness::verdict(const FoundFile& file, MonotonicTime now) const {
  const auto found = seen_.find(file.path());
  if (found == seen_.end() || found->second.identity != file.identity) return Verdict::wait;
  if (now < ready_at(found->second)) return Verdict::wait;
  return file.identity.size == 0 ? Verdict::empty : Verdict::ready;
}

std::optional<std::uint64_t> FileCompleteness::nul_in(const FoundFile& file) const {
  const auto found = seen_.find(file.path());
  return found == seen_.end() ? std::nullopt : found->second.nul;
}

FileCompleteness::Nul FileCompleteness::found_nul(const FoundFile& file, std::uint64_t offset, MonotonicTime now,
                                                  WallTime wall_now) {
  const auto found = seen_.find(file.path());
  if (found == seen_.end()) return Nul::incomplete;
  Seen& seen = found->second;
  // Content that comes may leave size and times as they are (a mapped file): then the first NUL moves.
  if (seen.nul && seen.nul != offset) {
    seen.unchanged_since = now;
    seen.date_is_wrong = true;
  }
  seen.nul = offset;
  const auto unchanged = now - seen.unchanged_since;
  const bool dated = !seen.date_is_wrong && is_old(seen.identity, wall_now);
  if (unchanged >= nul_for || (unchanged >= believes_dates_after && dated)) return Nul::stays;
  const auto again = std::clamp<std::chrono::milliseconds>(settle_, std::chrono::seconds(1), most_between_tries);
  seen.not_before = std::min(now + again, seen.unchanged_since + nul_for);
  return Nul::incomplete;
}

void FileCompleteness::put_off(const FoundFile& file, MonotonicTime until) {
  const auto found = seen_.find(file.path());
  if (found != seen_.end()) found->second.not_before = until;
}

std::optional<MonotonicTime> FileCompleteness::next(MonotonicTime now) const {
  std::optional<MonotonicTime> next;
  for (const auto& [path, seen] : seen_) {
    const MonotonicTime at = ready_at(seen);
    if (at > now && (!next || at < *next)) next = at;
  }
  return next;
}

}  // namespace relay
