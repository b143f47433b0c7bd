#include "journal/conditions.hpp"

#include <algorithm>

namespace relay {

void ConditionBoard::set(const std::string& destination, DestinationCondition condition) {
  const std::lock_guard lock(mutex_);
  conditions_[destination] = std::move(condition);
}

std::map<std::string, DestinationCondition> ConditionBoard::all() const {
  const std::lock_guard lock(mutex_);
  return conditions_;
}

void ConditionBoard::merge_into(SubmissionView& view) const {
  const std::lock_guard lock(mutex_);
  for (DeliveryView& delivery : view.deliveries) {
    if (delivery.state != DeliveryState::queued) continue;
    const auto found = conditions_.find(delivery.destination);
    if (found == conditions_.end()) continue;
    if (found->second.holding && (!delivery.next_attempt_at || *delivery.next_attempt_at < *found->second.held_until)) {
      delivery.next_attempt_at = found->second.held_until;
    }
    if (found->second.up) continue;
    if (found->second.circuit_error) delivery.last_error = found->second.circuit_error;
    if (found->second.next_probe_at) {
      // Nothing is probed in a hold window either.
      const auto held_until = found->second.holding ? found->second.held_until : std::nullopt;
      delivery.next_attempt_at = std::max(*found->second.next_probe_at, held_until.value_or(WallTime::min()));
    }
  }
}

}  // namespace relay
