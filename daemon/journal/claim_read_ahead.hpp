// ClaimReadAhead: deliveries that were read with those of an earlier claim. A lane that drains asks for one or two as
// each try ends; read one by one, each costs a transaction that has to find its pages anew behind the last commit.
//
// What lies here is neither claimed nor in flight. It holds while nothing but claims and ends of claims has changed the
// queue (ClaimSet::queue_changes()), and no longer than it takes for a retry that comes due to be worth a look.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "journal/claim_reader.hpp"

namespace relay {

// Under the mutex that lanes hold while they claim.
class ClaimReadAhead {
 public:
  static constexpr std::chrono::milliseconds holds_for{20};
  static constexpr std::size_t most = 64;

  // The next one of that destination; nothing where it has to be read.
  std::optional<ClaimableDelivery> next(DestinationNumber destination, std::uint64_t queue_changes, MonotonicTime now);
  // How many to read where `wanted` are missing: more and more while all of it is used.
  std::size_t to_read(DestinationNumber destination, std::size_t wanted, MonotonicTime now);
  // What a read has brought; `queue_changes` of before it.
  void keep(DestinationNumber destination, std::vector<ClaimableDelivery> read, std::uint64_t queue_changes,
            MonotonicTime now);

 private:
  struct Kept {
    std::deque<ClaimableDelivery> deliveries;
    std::uint64_t queue_changes = 0;
    MonotonicTime read_at{};
    std::size_t size = 0;  // of the last read
  };

  std::unordered_map<DestinationNumber, Kept> kept_;
};

}  // namespace relay
