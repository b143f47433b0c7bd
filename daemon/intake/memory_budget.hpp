// MemoryBudget: the bound on payload bytes held before they are in the journal (`intake.memory`).
#pragma once

#include <mutex>

#include "base/byte_count.hpp"

namespace relay {

// Thread-safe. Outlives its leases.
class MemoryBudget {
 public:
  explicit MemoryBudget(ByteCount limit) : limit_(limit) {}

  // What is held already stays.
  void set_limit(ByteCount limit) {
    const std::lock_guard lock(mutex_);
    limit_ = limit;
  }
  ByteCount used() const {
    const std::lock_guard lock(mutex_);
    return used_;
  }

 private:
  friend class MemoryLease;

  // One payload alone is always let in, however small the budget: else it could never be taken.
  bool take(ByteCount more, ByteCount held) {
    const std::lock_guard lock(mutex_);
    if (used_ > held && used_ + more > limit_) return false;
    used_ += more;
    return true;
  }
  void give_back(ByteCount bytes) {
    const std::lock_guard lock(mutex_);
    used_ -= bytes;
  }

  mutable std::mutex mutex_;
  ByteCount limit_;
  ByteCount used_;
};

// One payload's part of it, given back when the lease ends.
class MemoryLease {
 public:
  explicit MemoryLease(MemoryBudget& budget) : budget_(budget) {}
  ~MemoryLease() { end(); }
  MemoryLease(const MemoryLease&) = delete;
  MemoryLease& operator=(const MemoryLease&) = delete;

  // False where the budget doesn't have that much; what is held stays as it was.
  bool grow_to(ByteCount bytes) {
    if (bytes <= held_) return true;
    if (!budget_.take(bytes - held_, held_)) return false;
    held_ = bytes;
    return true;
  }
  void end() {
    budget_.give_back(held_);
    held_ = {};
  }

 private:
  MemoryBudget& budget_;
  ByteCount held_;
};

}  // namespace relay
