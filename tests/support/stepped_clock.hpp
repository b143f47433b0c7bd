// SteppedClock: wall time moves only when a test moves it; monotonic time runs with the machine's, and is moved along.
#pragma once

#include <atomic>
#include <chrono>

#include "base/clock.hpp"

namespace relay {

class SteppedClock final : public Clock {
 public:
  explicit SteppedClock(WallTime start) : start_(start) {}

  WallTime wall_now() const override { return start_ + std::chrono::milliseconds(moved_.load()); }
  MonotonicTime monotonic_now() const override {
    return std::chrono::steady_clock::now() + std::chrono::milliseconds(moved_.load());
  }
  void advance(std::chrono::milliseconds by) { moved_ += by.count(); }

 private:
  const WallTime start_;
  std::atomic<std::chrono::milliseconds::rep> moved_{0};
};

}  // namespace relay
