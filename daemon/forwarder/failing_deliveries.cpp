#include "forwarder/failing_deliveries.hpp"

#include <algorithm>

namespace relay {

bool FailingDeliveries::alone(const SubmissionId& id, ErrorKind kind, unsigned tries_before,
                              std::uint64_t accepts) const {
  const auto found = deliveries_.find(id);
  // Failed in an earlier process: whatever was accepted in this one was accepted since.
  if (found == deliveries_.end()) return tries_before > 0 && accepts > 0;
  return found->second.broken.others_accepted_since(kind, accepts);
}

bool FailingDeliveries::failed(const FailedTry& failed_try) {
  auto found = deliveries_.find(failed_try.id);
  if (found == deliveries_.end()) {
    if (deliveries_.size() >= most) return false;
    found = deliveries_.try_emplace(failed_try.id).first;
    // Where an earlier process saw it fail, whatever was accepted in this one was accepted since.
    found->second.accepts_at_last = failed_try.tries_before > 0 ? 0 : failed_try.accepts_at_start;
    found->second.inherited_tries = failed_try.tries_before;
    if (failed_try.tries_before > 0 && failed_try.broken) found->second.broken.seen(failed_try.kind, 0);
  }
  Failing& failing = found->second;
  if (failed_try.accepts > failing.accepts_at_last) {
    failing.lone_tries += 1 + failing.inherited_tries;
    failing.inherited_tries = 0;
    if (!failing.lone_since) failing.lone_since = failed_try.now;
  }
  if (failed_try.broken) failing.broken.seen(failed_try.kind, failed_try.accepts);
  failing.accepts_at_last = failed_try.accepts;
  failing.due = failed_try.due;
  if (failing.stuck) return false;
  failing.stuck = failing.lone_tries >= tries_that_are_stuck ||
                  (failing.lone_since && failed_try.now - *failing.lone_since >= time_that_is_stuck);
  if (failing.stuck) ++stuck_;
  return failing.stuck;
}

std::vector<SubmissionId> FailingDeliveries::stuck_submissions(std::size_t limit) const {
  std::vector<SubmissionId> ids;
  if (stuck_ == 0) return ids;
  for (const auto& [id, failing] : deliveries_) {
    if (ids.size() == limit) break;
    if (failing.stuck) ids.push_back(id);
  }
  return ids;
}

void FailingDeliveries::ended(const SubmissionId& id) {
  const auto found = deliveries_.find(id);
  if (found == deliveries_.end()) return;
  if (found->second.stuck) --stuck_;
  deliveries_.erase(found);
}

void FailingDeliveries::forget_absent(MonotonicTime now, MonotonicTime sending_since) {
  for (auto it = deliveries_.begin(); it != deliveries_.end();) {
    const bool absent = now - std::max(it->second.due, sending_since) > std::chrono::hours(1);
    if (!absent) {
      ++it;
      continue;
    }
    if (it->second.stuck) --stuck_;
    it = deliveries_.erase(it);
  }
}

}  // namespace relay
