#include "forwarder/reconciliation.hpp"

#include <algorithm>
#include <utility>

namespace relay {

using std::chrono::milliseconds;

void Reconciliation::unanswered(const SubmissionId& id, WallTime began, MonotonicTime ended) {
  if (doubts_.size() >= most && !doubts_.contains(id)) doubts_.clear();
  const auto [place, fresh] = doubts_.try_emplace(id, Doubt{began, ended, false});
  if (fresh) return;
  place->second.until = std::max(place->second.until, ended);
  place->second.absent_once = false;
}

void Reconciliation::restored(const SubmissionId& id, Doubt doubt) {
  if (doubts_.size() >= most) doubts_.clear();
  doubts_.try_emplace(id, doubt);
}

std::optional<Reconciliation::Doubt> Reconciliation::doubt(const SubmissionId& id) const {
  const auto found = doubts_.find(id);
  return found == doubts_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<milliseconds> Reconciliation::absent(const SubmissionId& id, MonotonicTime now) {
  const auto found = doubts_.find(id);
  if (found == doubts_.end()) return between_looks;
  Doubt& doubt = found->second;
  const bool agree = std::exchange(doubt.absent_once, true);
  const MonotonicTime settled = doubt.until + settles_after;
  if (now < settled) return std::chrono::ceil<milliseconds>(settled - now);
  if (!agree) return between_looks;
  return std::nullopt;
}

bool Reconciliation::worth_waiting(const SubmissionId& id, MonotonicTime now) const {
  const auto found = doubts_.find(id);
  return found == doubts_.end() || now < found->second.until + settles_after + gives_up_after;
}

}  // namespace relay
