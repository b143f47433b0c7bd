// ClaimHold: keeps deliveries from being claimed while an operator's change to them is on its way to the disk. So a
// lane never sends what is being discarded or moved, and an operator never takes away what a lane is sending.
#pragma once

#include <mutex>
#include <vector>

#include "journal/claims.hpp"

namespace relay {

// Writer's thread.
class ClaimHold {
 public:
  // `claiming` is what lanes hold between reading what is claimable and claiming it.
  ClaimHold(ClaimSet& claims, std::mutex& claiming) : claims_(claims), claiming_(claiming) {}
  ~ClaimHold() { release(); }
  ClaimHold(const ClaimHold&) = delete;
  ClaimHold& operator=(const ClaimHold&) = delete;

  // False: it is in flight.
  bool take(DestinationNumber destination, std::int64_t seq) {
    const std::lock_guard lock(claiming_);
    if (claims_.contains(destination, seq)) return false;
    claims_.queue_changed();
    ClaimedDelivery held;
    held.destination = destination;
    held.seq = seq;
    tokens_.push_back(claims_.add(std::move(held)));
    return true;
  }
  // After the commit, or instead of it.
  void release() {
    for (const ClaimToken token : tokens_) claims_.end(token);
    tokens_.clear();
  }

 private:
  ClaimSet& claims_;
  std::mutex& claiming_;
  std::vector<ClaimToken> tokens_;
};

}  // namespace relay
