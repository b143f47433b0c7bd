// OutcomeRules: what follows from the outcome of a try, for its delivery and for the lane (design, "Five outcomes, one
// classifier"). A function of the lane's memory and the time; reads no clock, sends nothing, writes nothing.
//
// One client's or one payload's trouble against the destination's: a broken try opens the circuit, unless something
// tells that the destination works for others:
//   - another try was accepted while this one was under way, or
//   - this delivery was broken the same way before, and another was accepted since, or
//   - this client was broken the same way before, others were accepted since and none of this client.
// Then that delivery backs off alone: not counted, its own not_before, and the lane goes on for everybody else. So a
// client without rights costs the others one short opening of the circuit, not one for each of its submissions; and
// when the destination itself breaks, the next try that nothing contradicts opens the circuit.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "forwarder/circuit.hpp"
#include "forwarder/failing_clients.hpp"
#include "forwarder/failing_deliveries.hpp"
#include "forwarder/lone_retries.hpp"
#include "forwarder/probe_rotation.hpp"
#include "forwarder/witnesses.hpp"
#include "journal/journal.hpp"
#include "settings/settings.hpp"

namespace relay {

// One delivery that is under way.
struct Try {
  Claim claim;
  Moment started;
  std::uint64_t accepts_at_start = 0;
  bool probe = false;
  bool looking = false;                  // for an earlier try, before anything is sent
  bool earlier_ones_are_absent = false;  // a look has proven it
};

struct Verdict {
  Settlement settlement;
  bool became_stuck = false;
};

class OutcomeRules {
 public:
  // A longer Retry-After is cut to this: the other side may say so again then.
  static constexpr std::chrono::hours longest_hold{1};

  // How many counted "try later" answers that delivery had before; nothing where the journal can't tell now. Asked only
  // where give_up_after is near.
  using EarlierTryLaters = std::function<std::optional<unsigned>(const Claim&)>;

  OutcomeRules(const DestinationSettings& settings, Jitter jitter, EarlierTryLaters earlier_try_laters);

  Verdict judge(const Try& attempt, const AttemptResult& result, Moment now);

  // A look after an earlier try left the delivery waiting: it says nothing about the destination.
  void waits(const Try& attempt, Moment now);
  std::chrono::milliseconds backoff_of(const Try& attempt) const { return own_backoff(attempt); }

  const Circuit& circuit() const { return circuit_; }
  // Accepted tries so far; what a Try keeps of its start.
  std::uint64_t accepts() const { return accepts_; }
  std::uint64_t stuck() const { return failing_.stuck(); }
  // Oldest id first, at most `limit`.
  std::vector<SubmissionId> stuck_submissions(std::size_t limit) const { return failing_.stuck_submissions(limit); }
  // A Retry-After holds the lane until then.
  MonotonicTime hold_until() const { return hold_until_; }
  // How many tries may be in flight while the circuit is closed: one while the destination does nothing but answer "try
  // later", so that a busy system isn't kept busy by the relay.
  std::size_t concurrency() const;
  ProbeRotation& probe_rotation() { return rotation_; }
  const Witnesses& witnesses() const { return witnesses_; }
  // Clients that failed alone and were accepted again: what backed off for their sake needn't wait any longer. A client
  // is off the list when one of its tries fails again; the lane takes it off when none of those is left.
  std::deque<std::string>& let_in_again() { return let_in_again_; }
  const std::deque<std::string>& let_in_again() const { return let_in_again_; }
  // To be called now and then.
  void forget_absent(Moment now);
  // By an operator: whatever kept the lane from sending is over, until it shows again.
  void resume(Moment now);
  void taken_away(const SubmissionId& id) { failing_.ended(id); }

 private:
  Verdict accepted(const Try& attempt, Moment now);
  Verdict refused(const Try& attempt, const DeliveryError& error, Moment now);
  Verdict corrupt(const Try& attempt, Moment now);
  Verdict try_later(const Try& attempt, const AttemptResult& result, const DeliveryError& error, Moment now);
  Verdict broken(const Try& attempt, const DeliveryError& error, Moment now);
  Verdict unknown(const Try& attempt, const DeliveryError& error, Moment now);

  enum class Cost { an_attempt, nothing };
  Verdict stay_queued(const Try& attempt, Outcome outcome, const DeliveryError& error, Cost cost,
                      std::chrono::milliseconds wait, Moment now);
  Verdict dead_letter(const Try& attempt);
  std::chrono::milliseconds own_backoff(const Try& attempt) const;
  void hold(std::chrono::milliseconds retry_after, Moment now);
  bool gives_up(const Try& attempt) const;
  void heard(const Try& attempt);

  DestinationSettings settings_;
  Jitter jitter_;
  EarlierTryLaters earlier_try_laters_;
  Circuit circuit_;
  FailingClients failing_clients_;
  FailingDeliveries failing_;
  LoneRetries lone_retries_;
  ProbeRotation rotation_;
  Witnesses witnesses_;
  std::deque<std::string> let_in_again_;
  std::uint64_t accepts_ = 0;
  std::size_t try_laters_ = 0;  // in a row
  MonotonicTime hold_until_{};
  MonotonicTime sending_since_{};
};

}  // namespace relay
