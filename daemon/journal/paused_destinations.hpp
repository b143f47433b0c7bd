// Which destinations an operator has paused: nothing of theirs is claimed. The journal has it; this is what claims look
// at.
#pragma once

#include <mutex>
#include <set>

#include "journal/totals.hpp"

namespace relay {

// Thread-safe.
class PausedDestinations {
 public:
  void load(const Totals& totals) {
    const std::lock_guard lock(mutex_);
    for (const TotalsRow& row : totals.rows()) {
      if (row.paused) paused_.insert(row.destination);
    }
  }
  void set(DestinationNumber destination, bool paused) {
    const std::lock_guard lock(mutex_);
    if (paused) {
      paused_.insert(destination);
    } else {
      paused_.erase(destination);
    }
  }
  bool contains(DestinationNumber destination) const {
    const std::lock_guard lock(mutex_);
    return paused_.contains(destination);
  }

 private:
  mutable std::mutex mutex_;
  std::set<DestinationNumber> paused_;
};

}  // namespace relay
