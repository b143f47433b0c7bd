#include "journal/conditions.hpp"

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
    const DestinationCondition& condition = found->second;
    if (!condition.up) {
      if (condition.circuit_error) delivery.last_error = condition.circuit_error;
      if (condition.next_probe_at) delivery.next_attempt_at = condition.next_probe_at;
    }
    // Nothing is tried in a hold window, and nothing probed.
    if (condition.holding && (!delivery.next_attempt_at || *delivery.next_attempt_at < *condition.held_until)) {
      delivery.next_attempt_at = condition.held_until;
    }
  }
}

}  // namespace relay
