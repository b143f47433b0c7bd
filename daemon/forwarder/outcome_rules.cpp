#include "forwarder/outcome_rules.hpp"

#include <algorithm>

namespace relay {

using std::chrono::milliseconds;

OutcomeRules::OutcomeRules(const DestinationSettings& settings, Jitter jitter, EarlierTryLaters earlier_try_laters)
    : settings_(settings),
      jitter_(jitter),
      earlier_try_laters_(std::move(earlier_try_laters)),
      circuit_(settings.backoff, std::move(jitter)),
      lone_retries_(settings.concurrency) {}

Verdict OutcomeRules::judge(const Try& attempt, const AttemptResult& result, Moment now) {
  const DeliveryError error = result.error.value_or(
      DeliveryError{ErrorKind::unexpected_answer, std::nullopt, "the destination gave no reason", {}});
  if (result.outcome != Outcome::accepted && result.retry_after) hold(*result.retry_after, now);

  Verdict verdict;
  switch (result.outcome) {
    case Outcome::accepted:
      verdict = accepted(attempt, now);
      break;
    case Outcome::refused:
      verdict = refused(attempt, error, now);
      break;
    case Outcome::try_later:
      verdict = try_later(attempt, result, error, now);
      break;
    case Outcome::broken:
      verdict = broken(attempt, error, now);
      break;
    case Outcome::unknown:
      verdict = unknown(attempt, error, now);
      break;
  }
  AttemptRecord& record = verdict.settlement.attempt;
  record.started_at = attempt.started.wall;
  record.ended_at = now.wall;
  record.outcome = result.outcome;
  if (result.outcome != Outcome::accepted) record.error = error;
  record.receipt = result.receipt;
  verdict.settlement.possibly_delivered = result.possibly_delivered;
  return verdict;
}

void OutcomeRules::waits(const Try& attempt, Moment now) {
  if (!attempt.probe) return;
  heard(attempt);
  circuit_.inconclusive(true, false, now);
}

std::size_t OutcomeRules::concurrency() const {
  return try_laters_ >= 2 * settings_.concurrency ? 1 : settings_.concurrency;
}

void OutcomeRules::forget_absent(Moment now) {
  if (!circuit_.is_open()) failing_.forget_absent(now.monotonic, std::max(sending_since_, hold_until_));
}

void OutcomeRules::resume(Moment now) {
  if (circuit_.is_open()) sending_since_ = now.monotonic;
  circuit_.close_by_hand();
  try_laters_ = 0;
  hold_until_ = {};
}

Verdict OutcomeRules::accepted(const Try& attempt, Moment now) {
  ++accepts_;
  try_laters_ = 0;
  if (circuit_.is_open()) sending_since_ = now.monotonic;
  circuit_.accepted();
  witnesses_.dismiss();
  failing_.ended(attempt.claim.submission.id);
  if (failing_clients_.accepted(attempt.claim.submission.client))
    let_in_again_.push_back(attempt.claim.submission.client);
  Verdict verdict;
  verdict.settlement.kind = Settlement::Kind::delivered;
  return verdict;
}

Verdict OutcomeRules::refused(const Try& attempt, const DeliveryError& error, Moment now) {
  if (error.kind == ErrorKind::corrupt) return corrupt(attempt, now);
  try_laters_ = 0;
  heard(attempt);
  const bool was_open = circuit_.is_open();
  if (circuit_.refused(error, attempt.probe, now, attempt.claim.order_number) == Circuit::Refusal::keep_queued)
    return stay_queued(attempt, Outcome::refused, error, Cost::an_attempt, milliseconds{0}, now);
  if (was_open && !circuit_.is_open()) sending_since_ = now.monotonic;
  return dead_letter(attempt);
}

// The relay's own trouble with this payload: says nothing about the destination.
Verdict OutcomeRules::corrupt(const Try& attempt, Moment now) {
  circuit_.inconclusive(attempt.probe, true, now);
  return dead_letter(attempt);
}

Verdict OutcomeRules::try_later(const Try& attempt, const AttemptResult& result, const DeliveryError& error,
                                Moment now) {
  ++try_laters_;
  if (attempt.probe) heard(attempt);
  circuit_.try_later(error, attempt.probe, now);
  if (result.retry_after && result.retry_after->count() > 0) {
    const auto held = std::chrono::ceil<milliseconds>(hold_until_ - now.monotonic);
    return stay_queued(attempt, Outcome::try_later, error, Cost::nothing, held, now);
  }
  if (gives_up(attempt)) return dead_letter(attempt);
  return stay_queued(attempt, Outcome::try_later, error, Cost::an_attempt, own_backoff(attempt), now);
}

Verdict OutcomeRules::broken(const Try& attempt, const DeliveryError& error, Moment now) {
  const Claim& claim = attempt.claim;
  const bool by_itself = failing_.alone(claim.submission.id, error.kind, claim.tries_in_a_row, accepts_);
  const bool by_its_client = failing_clients_.alone(claim.submission.client, error.kind, accepts_);
  const bool alone = by_itself || by_its_client || accepts_ > attempt.accepts_at_start;
  failing_clients_.broken(claim.submission.client, error.kind, accepts_, by_its_client && !by_itself);
  if (!alone) {
    heard(attempt);
    circuit_.broken(error, attempt.probe, now);
    return stay_queued(attempt, Outcome::broken, error, Cost::nothing, milliseconds{0}, now);
  }
  if (attempt.probe) heard(attempt);
  circuit_.inconclusive(attempt.probe, false, now);
  const auto wait = lone_retries_.wait(backoff_delay(settings_.backoff, claim.tries_in_a_row, jitter_),
                                       now.monotonic - attempt.started.monotonic, now.monotonic);
  return stay_queued(attempt, Outcome::broken, error, Cost::nothing, wait, now);
}

Verdict OutcomeRules::unknown(const Try& attempt, const DeliveryError& error, Moment now) {
  heard(attempt);
  circuit_.unknown(error, attempt.probe, now);
  return stay_queued(attempt, Outcome::unknown, error, Cost::an_attempt, own_backoff(attempt), now);
}

Verdict OutcomeRules::stay_queued(const Try& attempt, Outcome outcome, const DeliveryError& error, Cost cost,
                                  milliseconds wait, Moment now) {
  Verdict verdict;
  verdict.settlement.kind = Settlement::Kind::try_again;
  verdict.settlement.attempt.counted = cost == Cost::an_attempt;
  if (wait.count() > 0) verdict.settlement.not_before = now.wall + wait;
  std::erase(let_in_again_, attempt.claim.submission.client);
  verdict.became_stuck = failing_.failed({.id = attempt.claim.submission.id,
                                          .kind = error.kind,
                                          .broken = outcome == Outcome::broken,
                                          .tries_before = attempt.claim.tries_in_a_row,
                                          .accepts_at_start = attempt.accepts_at_start,
                                          .accepts = accepts_,
                                          .now = now.monotonic,
                                          .due = now.monotonic + wait});
  return verdict;
}

Verdict OutcomeRules::dead_letter(const Try& attempt) {
  failing_.ended(attempt.claim.submission.id);
  Verdict verdict;
  verdict.settlement.kind = Settlement::Kind::dead_letter;
  return verdict;
}

// The bound grows with this delivery's own counted failures: what it was tried for in vain while the destination was
// down isn't held against it, nor what came before it was queued again.
milliseconds OutcomeRules::own_backoff(const Try& attempt) const {
  return backoff_delay(settings_.backoff, std::min(attempt.claim.attempts, attempt.claim.tries_in_a_row), jitter_);
}

void OutcomeRules::hold(milliseconds retry_after, Moment now) {
  hold_until_ = std::max(hold_until_, now.monotonic + std::min<milliseconds>(retry_after, longest_hold));
}

bool OutcomeRules::gives_up(const Try& attempt) const {
  const auto limit = settings_.backoff.give_up_after;
  if (!limit || attempt.claim.attempts + 1 < *limit) return false;
  const auto earlier = earlier_try_laters_(attempt.claim);
  return earlier && *earlier + 1 >= *limit;
}

void OutcomeRules::heard(const Try& attempt) {
  witnesses_.heard(attempt.claim.submission);
  rotation_.probed(attempt.claim.submission);
}

}  // namespace relay
