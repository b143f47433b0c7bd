// RateBucket: how many may pass now at so many a second, in bursts of one second's worth (at least one). One thread.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/clock.hpp"

namespace relay {

class RateBucket {
 public:
  // Full at first.
  RateBucket(double per_second, MonotonicTime now)
      : per_second_(per_second), most_(std::max(1.0, per_second)), left_(most_), at_(now) {}

  double left(MonotonicTime now) const {
    return std::min(most_, left_ + per_second_ * std::chrono::duration<double>(now - at_).count());
  }
  bool full(MonotonicTime now) const { return left(now) >= most_; }
  // False where there is nothing left to take one of.
  bool take(MonotonicTime now) {
    left_ = left(now);
    at_ = now;
    if (left_ < 1) return false;
    left_ -= 1;
    return true;
  }
  // Until one may pass again.
  std::chrono::duration<double> wait(MonotonicTime now) const {
    return std::chrono::duration<double>(std::max(0.0, (1 - left(now)) / per_second_));
  }

 private:
  double per_second_;
  double most_;
  double left_;
  MonotonicTime at_;
};

}  // namespace relay
