#include "journal/watches.hpp"

namespace relay {

std::uint64_t WatchList::add(const SubmissionId& id, std::function<void()> done) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t watch = ++last_;
  watches_.emplace(watch, Watch{id, std::move(done)});
  by_submission_.emplace(id, watch);
  size_ = watches_.size();
  return watch;
}

void WatchList::remove(std::uint64_t watch) {
  const std::lock_guard lock(mutex_);
  const auto found = watches_.find(watch);
  if (found == watches_.end()) return;
  const auto [first, last] = by_submission_.equal_range(found->second.id);
  for (auto entry = first; entry != last; ++entry) {
    if (entry->second == watch) {
      by_submission_.erase(entry);
      break;
    }
  }
  watches_.erase(found);
  size_ = watches_.size();
}

bool WatchList::any(const SubmissionId& id) const {
  if (size_ == 0) return false;
  const std::lock_guard lock(mutex_);
  return by_submission_.contains(id);
}

void WatchList::run(const SubmissionId& id) {
  std::vector<std::function<void()>> done;
  {
    const std::lock_guard lock(mutex_);
    const auto [first, last] = by_submission_.equal_range(id);
    for (auto entry = first; entry != last; ++entry) {
      const auto watch = watches_.find(entry->second);
      done.push_back(std::move(watch->second.done));
      watches_.erase(watch);
    }
    by_submission_.erase(first, last);
    size_ = watches_.size();
  }
  for (const auto& run : done) run();
}

}  // namespace relay
