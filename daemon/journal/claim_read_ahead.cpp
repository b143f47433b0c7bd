#include "journal/claim_read_ahead.hpp"

#include <algorithm>
#include <iterator>

namespace relay {

std::optional<ClaimableDelivery> ClaimReadAhead::next(DestinationNumber destination, std::uint64_t queue_changes,
                                                      MonotonicTime now) {
  Kept& kept = kept_[destination];
  if (kept.deliveries.empty()) return std::nullopt;
  if (kept.queue_changes != queue_changes || now - kept.read_at > holds_for) {
    kept.deliveries.clear();
    kept.size = 0;
    return std::nullopt;
  }
  std::optional<ClaimableDelivery> found = std::move(kept.deliveries.front());
  kept.deliveries.pop_front();
  return found;
}

std::size_t ClaimReadAhead::to_read(DestinationNumber destination, std::size_t wanted, MonotonicTime now) {
  const Kept& kept = kept_[destination];
  if (kept.size == 0 || now - kept.read_at > holds_for) return wanted;
  return std::max(wanted, std::min(most, 2 * kept.size));
}

void ClaimReadAhead::keep(DestinationNumber destination, std::vector<ClaimableDelivery> read,
                          std::uint64_t queue_changes, MonotonicTime now) {
  Kept& kept = kept_[destination];
  kept.size = read.size();
  kept.deliveries.assign(std::make_move_iterator(read.begin()), std::make_move_iterator(read.end()));
  kept.queue_changes = queue_changes;
  kept.read_at = now;
}

}  // namespace relay
