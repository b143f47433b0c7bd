// Countdown: waits, for a bounded time, until a number of things have happened on other threads.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace relay {

class Countdown {
 public:
  explicit Countdown(std::size_t count) : left_(count) {}
  void arrive() {
    const std::lock_guard lock(mutex_);
    if (left_ > 0 && --left_ == 0) reached_.notify_all();
  }
  // False where the time was up first.
  bool wait_until(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    return reached_.wait_until(lock, deadline, [this] { return left_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable reached_;
  std::size_t left_;
};

}  // namespace relay
