// Who is to be woken when a destination may have new work.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>

namespace relay {

// Thread-safe. A wake runs under the lock, so that once subscribe() has returned the earlier one runs no more; it must
// only hand over.
class Subscriptions {
 public:
  void subscribe(const std::string& destination, std::function<void()> wake) {
    const std::lock_guard lock(mutex_);
    if (wake) {
      wakes_[destination] = std::move(wake);
    } else {
      wakes_.erase(destination);
    }
  }
  void wake(const std::string& destination) const {
    const std::lock_guard lock(mutex_);
    const auto found = wakes_.find(destination);
    if (found != wakes_.end()) found->second();
  }
  void wake_all() const {
    const std::lock_guard lock(mutex_);
    for (const auto& [destination, wake] : wakes_) wake();
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::function<void()>> wakes_;
};

}  // namespace relay
