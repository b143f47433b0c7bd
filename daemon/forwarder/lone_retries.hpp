// LoneRetries: spaces the tries of deliveries that are broken while others succeed, so that together they take at most
// a quarter of the lane, however many a client with missing rights has queued; the rest stays for those that succeed.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "forwarder/moment.hpp"

namespace relay {

class LoneRetries {
 public:
  explicit LoneRetries(std::size_t concurrency) : concurrency_(concurrency) {}

  // How long that delivery waits: its own back-off, or until there is room in the quarter, at most an hour. `took`: how
  // long the failed try kept its place, which is what the next one will cost.
  std::chrono::milliseconds wait(std::chrono::milliseconds backoff, MonotonicTime::duration took, MonotonicTime now) {
    if (next_ < now) next_ = now;
    const auto until_room = std::chrono::ceil<std::chrono::milliseconds>(next_ - now);
    next_ += 4 * took / static_cast<MonotonicTime::rep>(concurrency_);
    return std::max(backoff, std::min<std::chrono::milliseconds>(until_room, std::chrono::hours(1)));
  }

 private:
  std::size_t concurrency_;
  MonotonicTime next_{};
};

}  // namespace relay
