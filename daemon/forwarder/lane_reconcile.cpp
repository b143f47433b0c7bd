// The lane's part for destinations that can be asked what became of a try: the start of each is saved before it is
// sent, and one without an answer is looked for before it is sent again.
#include <algorithm>

#include "base/log.hpp"
#include "forwarder/lane.hpp"
#include "journal/interrupted_attempt.hpp"

namespace relay {

using std::chrono::milliseconds;

// The process ended, or the lane was stopped, between the start of a try and its end.
void Lane::settle_interrupted(const Claim& claim, Moment now) {
  reconciliation_.unanswered(claim.submission.id, *claim.interrupted_since, now.monotonic);
  Settlement settlement;
  settlement.kind = Settlement::Kind::try_again;
  settlement.attempt.started_at = *claim.interrupted_since;
  settlement.attempt.ended_at = now.wall;
  settlement.attempt.outcome = Outcome::unknown;
  settlement.attempt.error = interrupted_attempt_error();
  settlement.possibly_delivered = true;
  settle(claim, std::move(settlement));
}

// False where nothing is in doubt: it was accepted, and an operator wants it sent once more.
bool Lane::look(std::uint64_t attempt, Moment now) {
  Try& looking = in_flight_.at(attempt);
  const SubmissionId& id = looking.claim.submission.id;
  PastTries past = past_tries(looking.claim, now);
  if (!reconciliation_.doubt(id)) {
    if (!past.doubt) return false;
    reconciliation_.restored(id, *past.doubt);
  }
  looking.looking = true;
  Delivery delivery = delivery_of(attempt, looking);
  delivery.unknown_since = reconciliation_.doubt(id)->since;
  delivery.earlier_receipts = std::move(past.accepted);
  destination_->reconcile(std::move(delivery));
  return true;
}

// What the journal knows. Of an earlier process there is its wall clock alone to go by.
Lane::PastTries Lane::past_tries(const Claim& claim, Moment now) {
  PastTries past;
  const auto found = journal_.find(claim.submission.id, true);
  if (!found.ok() || !found.value()) {
    past.doubt = Reconciliation::Doubt{claim.submission.accepted_at, now.monotonic, false};
    return past;
  }
  for (const DeliveryView& delivery : found.value()->view.deliveries) {
    if (delivery.destination != settings_.name) continue;
    for (const AttemptRecord& record : delivery.history) {
      if (record.other_destination) continue;
      if (record.outcome == Outcome::accepted) {
        past.accepted.push_back(record.receipt);
        past.doubt.reset();
      }
      if (record.outcome != Outcome::unknown) continue;
      if (!past.doubt) past.doubt = Reconciliation::Doubt{record.started_at, now.monotonic, false};
      past.doubt->until = now.monotonic - std::max(now.wall - record.ended_at, milliseconds(0));
    }
  }
  return past;
}

void Lane::begin(std::uint64_t attempt, bool earlier_ones_are_absent, Moment now) {
  Try& beginning = in_flight_.at(attempt);
  beginning.looking = false;
  beginning.earlier_ones_are_absent = earlier_ones_are_absent;
  journal_.begin_attempt(beginning.claim.token, {now.wall, earlier_ones_are_absent},
                         [mailbox = mailbox_, attempt](Result<void, SettleRefusal> saved) {
                           StartNotice notice{attempt, std::nullopt};
                           if (!saved.ok()) notice.refusal = saved.error();
                           mailbox->start_saved(notice);
                         });
}

void Lane::start_saved(const StartNotice& notice, Moment now) {
  const auto place = in_flight_.find(notice.attempt);
  if (place == in_flight_.end()) return;
  if (!notice.refusal) {
    place->second.started = now;
    return destination_->start(delivery_of(notice.attempt, place->second));
  }
  // Nothing was sent: the claim is given back.
  if (probe_in_flight_ == notice.attempt) probe_in_flight_.reset();
  const Claim claim = std::move(place->second.claim);
  in_flight_.erase(place);
  if (*notice.refusal == SettleRefusal::stale_token) {
    log_error("a claim had ended before its attempt began",
              {{"submission", claim.submission.id}, {"destination", settings_.name}});
    return;
  }
  journal_.release(claim.token);
  look_for_work_ = true;
  nothing_to_probe_ = false;
  journal_fails(now);
}

void Lane::conclude_look(Try attempt, std::uint64_t number, const DeliveryResult& result, Moment now) {
  const SubmissionId& id = attempt.claim.submission.id;
  if (result.presence == Presence::there) return conclude(std::move(attempt), result.result, now);
  if (result.presence == Presence::cannot_tell) return send_after_look(std::move(attempt), number, false, now);
  if (result.presence == Presence::absent) {
    const auto wait = reconciliation_.absent(id, now.monotonic);
    if (wait) return wait_on(attempt, *wait, now);
    return send_after_look(std::move(attempt), number, true, now);
  }
  // Busy without a wish of its own costs no attempt: nothing was sent.
  if (result.result.outcome == Outcome::try_later && !result.result.retry_after) {
    if (reconciliation_.worth_waiting(id, now.monotonic))
      return wait_on(attempt, std::max<milliseconds>(rules_.backoff_of(attempt), Reconciliation::between_looks), now);
    return send_after_look(std::move(attempt), number, false, now);
  }
  conclude(std::move(attempt), result.result, now);
}

void Lane::wait_on(const Try& attempt, milliseconds wait, Moment now) {
  rules_.waits(attempt, now);
  Settlement settlement;
  settlement.kind = Settlement::Kind::try_again;
  settlement.sent = false;
  settlement.recorded = false;
  settlement.attempt.outcome = Outcome::unknown;
  settlement.attempt.counted = false;
  settlement.not_before = now.wall + wait;
  settle(attempt.claim, std::move(settlement));
}

void Lane::send_after_look(Try attempt, std::uint64_t number, bool earlier_ones_are_absent, Moment now) {
  if (earlier_ones_are_absent) reconciliation_.ended(attempt.claim.submission.id);
  if (attempt.probe) probe_in_flight_ = number;
  in_flight_.emplace(number, std::move(attempt));
  begin(number, earlier_ones_are_absent, now);
}

}  // namespace relay
