#include "journal/writer_health.hpp"

#include <algorithm>

namespace relay {

namespace {

void observe(Histogram& histogram, double value) {
  const auto bound = std::lower_bound(histogram.bounds.begin(), histogram.bounds.end(), value);
  ++histogram.buckets[static_cast<std::size_t>(bound - histogram.bounds.begin())];
  histogram.sum += value;
}

Histogram empty_histogram(std::vector<double> bounds) {
  Histogram histogram;
  histogram.buckets.resize(bounds.size() + 1);
  histogram.bounds = std::move(bounds);
  return histogram;
}

}  // namespace

WriterHealth::WriterHealth()
    : commit_seconds_(
          empty_histogram({0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30})),
      commit_batch_size_(empty_histogram({1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096})) {}

void WriterHealth::set_state(State state, std::string reason) {
  const std::lock_guard lock(mutex_);
  if (state_.load(std::memory_order_relaxed) == State::corrupt) return;  // for good
  reason_ = std::move(reason);
  state_.store(state, std::memory_order_release);
}

std::string WriterHealth::reason() const {
  const std::lock_guard lock(mutex_);
  return reason_;
}

void WriterHealth::commit_begins(MonotonicTime now) {
  const std::lock_guard lock(mutex_);
  commit_began_ = now;
}

void WriterHealth::commit_ends(MonotonicTime now, std::size_t commands) {
  const std::lock_guard lock(mutex_);
  if (commands > 0 && commit_began_) {
    observe(commit_seconds_, std::chrono::duration<double>(now - *commit_began_).count());
    observe(commit_batch_size_, static_cast<double>(commands));
  }
  commit_began_.reset();
}

void WriterHealth::fill(JournalCondition& condition, MonotonicTime now) const {
  const std::lock_guard lock(mutex_);
  if (commit_began_) {
    condition.commit_under_way = std::chrono::duration_cast<std::chrono::milliseconds>(now - *commit_began_);
  }
  condition.commit_seconds = commit_seconds_;
  condition.commit_batch_size = commit_batch_size_;
}

}  // namespace relay
