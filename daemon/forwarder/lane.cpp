#include "forwarder/lane.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "base/thread_name.hpp"
#include "base/thread_progress.hpp"
#include "forwarder/hold_windows.hpp"
#include "forwarder/probe_rotation.hpp"

namespace relay {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::seconds journal_failing_pause{1};
constexpr std::chrono::minutes forget_absent_interval{1};
constexpr std::size_t clients_looked_at = 64;

}  // namespace

Lane::Lane(Journal& journal, const Clock& clock, const DestinationSettings& settings,
           std::unique_ptr<Destination> destination, Jitter jitter)
    : journal_(journal),
      clock_(clock),
      settings_(settings),
      destination_(std::move(destination)),
      mailbox_(std::make_shared<LaneMailbox>([to_wake = destination_.get()] { to_wake->wake(); })),
      rules_(settings_, std::move(jitter), [this](const Claim& claim) { return count_try_laters(claim); }),
      report_(journal_, settings_.name),
      follow_ups_(journal_, settings_, *destination_, mailbox_, random_jitter()) {
  if (settings_.rate) pace_.emplace(settings_.rate->per_second, clock_.monotonic_now());
  thread_ = std::thread([this] { run(); });
}

Lane::~Lane() {
  if (!thread_.joinable()) return;
  stop_within(milliseconds{0});
  join();
}

void Lane::stop_within(milliseconds grace) {
  mailbox_->stop_within(grace);
}

void Lane::resume() {
  mailbox_->resume();
}

void Lane::taken_away(const SubmissionId& id) {
  mailbox_->taken_away(id);
}

bool Lane::await_end(milliseconds at_most) const {
  return end_.wait_for(at_most) == std::future_status::ready;
}

void Lane::join() {
  if (thread_.joinable()) thread_.join();
}

void Lane::run() {
  name_this_thread("lane:" + settings_.name);
  ThreadProgress progress("lane:" + settings_.name);
  journal_.subscribe(settings_.name, [mailbox = mailbox_, lane = std::this_thread::get_id()] {
    // A claim that this lane itself gives back is no news to it.
    if (std::this_thread::get_id() != lane) mailbox->new_work();
  });
  for (;;) {
    progress.turn();
    const Moment now = moment_of(clock_);
    held_until_ = held_until(settings_.hold_windows, now.wall);
    report_.held(held_until_);
    read_mail(now);
    if (finished(now)) break;
    if (!stop_at_) start_what_may_start(now);
    if (!stop_at_ && !holds(now)) follow_ups_.ask(now);
    report_.turn(rules_, in_flight_.size(), now);
    mailbox_->want_new_work(!probe_in_flight_ && room(now) > 0);
    for (const DeliveryResult& result : destination_->poll(time_to_wait(now))) conclude(result, moment_of(clock_));
    follow_ups_.take_answers(moment_of(clock_));
  }
  give_back_what_is_in_flight();
  report_.turn(rules_, 0, moment_of(clock_));
  journal_.subscribe(settings_.name, {});
  mailbox_->close();
  ending_.set_value();
}

void Lane::read_mail(Moment now) {
  const LaneMail mail = mailbox_->take();
  if (mail.new_work) {
    look_for_work_ = true;
    look_for_witnesses_ = true;
    nothing_to_probe_ = false;
  }
  if (mail.resume) {
    rules_.resume(now);
    look_for_work_ = true;
  }
  for (const SubmissionId& id : mail.taken_away) {
    rules_.taken_away(id);
    reconciliation_.ended(id);
  }
  for (const StartNotice& notice : mail.starts) start_saved(notice, now);
  for (const SubmissionId& id : mail.follow_ups_saved) follow_ups_.saved(id, now);
  for (const SettlementNotice& notice : mail.settlements) {
    --unsettled_;
    if (notice.stays_queued) {
      look_for_work_ = true;
      nothing_to_probe_ = false;
    }
    if (!notice.refusal) {
      // Only now does the journal know of it: a look before this would find nothing, and there would be no other.
      const auto first_ask = notice.stays_queued ? std::nullopt : follow_ups_.first_ask(now.wall);
      if (first_ask) follow_ups_.delivered(*first_ask);
      continue;
    }
    if (*notice.refusal == SettleRefusal::stale_token) {
      log_error("a settlement came for a claim that had ended already; it was left out",
                {{"submission", notice.submission}, {"destination", settings_.name}});
      continue;
    }
    journal_fails(now);
  }
  if (mail.stop_within && !stop_at_) stop_at_ = now.monotonic + *mail.stop_within;
}

void Lane::journal_fails(Moment now) {
  if (!journal_failing_until_)
    log_error("the journal can't save what the destination answered; nothing more is sent there until it can",
              {{"destination", settings_.name}});
  journal_failing_until_ = now.monotonic + journal_failing_pause;
}

bool Lane::finished(Moment now) const {
  if (!stop_at_) return false;
  return (in_flight_.empty() && unsettled_ == 0) || now.monotonic >= *stop_at_;
}

void Lane::start_what_may_start(Moment now) {
  if (now.monotonic >= forget_absent_at_) {
    rules_.forget_absent(now);
    forget_absent_at_ = now.monotonic + forget_absent_interval;
  }
  if (journal_failing_until_) {
    if (now.monotonic < *journal_failing_until_) return;
    if (journal_.condition().refusing == AppendRefusal::journal_failing) {
      journal_failing_until_ = now.monotonic + journal_failing_pause;
      return;
    }
    journal_failing_until_.reset();
    log_info("the journal saves again; sending goes on", {{"destination", settings_.name}});
  }
  if (now.monotonic >= look_again_at_) {
    look_for_work_ = true;
    nothing_to_probe_ = false;
  }
  if (holds(now)) return;
  if (pace_ && pace_->left(now.monotonic) < 1) return;
  if (rules_.circuit().is_open()) return start_probe(now);
  look_for_witnesses_ = false;
  start_those_let_in_again(now);
  start_due(now);
}

// One probe at a time, at the back-off; a first other witness doesn't wait for it.
void Lane::start_probe(Moment now) {
  if (probe_in_flight_ || unsettled_ >= settlements_under_way) return;
  const Circuit::Opening& opening = *rules_.circuit().opening();
  if (now.monotonic < opening.next_probe.monotonic) return start_early_probe(now);
  if (nothing_to_probe_) return;
  // Where everything is refused, newest and oldest in turn: a change at the sender shows at one of the ends.
  const bool newest = opening.cause == CircuitCause::refusing_everything && opening.failed_probes % 2 == 0;
  auto claim =
      claim_next_probe(journal_, settings_.name, rules_.probe_rotation(), newest ? ClaimEnd::newest : ClaimEnd::oldest);
  nothing_to_probe_ = !claim;
  look_again_at_ = now.monotonic + longest_wait;
  if (claim) return start(std::move(*claim), now, true);
  // An operator took all of it: no probe would ever end this opening, nor the alarm that goes with it. Where everything
  // is refused the alarm speaks of what was refused, and stays.
  if (opening.cause == CircuitCause::refusing_everything || !nothing_is_queued()) return;
  report_.nothing_left();
  rules_.resume(now);
}

bool Lane::nothing_is_queued() const {
  const auto snapshot = journal_.snapshot();
  if (!snapshot.ok()) return false;
  const auto found = snapshot->destinations.find(settings_.name);
  return found != snapshot->destinations.end() && found->second.queued == 0;
}

// A circuit of which one submission or one client alone is the witness may be their own fault: when another comes, it
// is asked at once, not after a back-off that has grown to minutes. At most two such probes an opening. Before the
// first regular probe there is nothing to hurry: it takes another one where there is one.
void Lane::start_early_probe(Moment now) {
  if (!look_for_witnesses_ || rules_.circuit().opening()->failed_probes == 0) return;
  look_for_witnesses_ = false;
  const auto only_client = rules_.witnesses().only_client();
  if (!only_client) return;
  ProbeChoice choice;
  const auto waiting = journal_.waiting_clients(settings_.name, clients_looked_at);
  const auto other = std::find_if(waiting.begin(), waiting.end(), [&](const auto& c) { return c != *only_client; });
  if (other != waiting.end()) {
    choice.client = *other;
  } else {
    choice.other_than = rules_.witnesses().only_submission();
    if (!choice.other_than) return;
  }
  auto claim = journal_.claim_probe(settings_.name, choice);
  if (!claim) return;
  if (choice.other_than == claim->submission.id) return journal_.release(claim->token);
  start(std::move(*claim), now, true);
}

// Oldest first, until one comes that was never tried: it needs no help. At most half the room a turn, so that the
// others go on beside them.
void Lane::start_those_let_in_again(Moment now) {
  auto& let_in_again = rules_.let_in_again();
  for (std::size_t share = (room(now) + 1) / 2; share > 0 && !let_in_again.empty(); --share) {
    auto claim =
        journal_.claim_probe(settings_.name, ProbeChoice{let_in_again.front(), std::nullopt, ClaimEnd::oldest});
    if (!claim || claim->tries_in_a_row == 0) let_in_again.pop_front();
    if (claim) start(std::move(*claim), now, false);
  }
}

void Lane::start_due(Moment now) {
  if (next_due_ && *next_due_ <= now.wall) look_for_work_ = true;
  const std::size_t asked = room(now);
  if (!look_for_work_ || asked == 0) return;
  auto claims = journal_.claim(settings_.name, asked);
  look_again_at_ = now.monotonic + longest_wait;
  next_due_.reset();
  look_for_work_ = claims.size() == asked;
  for (Claim& claim : claims) start(std::move(claim), now, false);
  if (look_for_work_) return;
  next_due_ = journal_.next_due(settings_.name);
  // What was due already and still wasn't handed out is claimed: its settlement will tell.
  if (next_due_ && *next_due_ <= now.wall) next_due_.reset();
}

void Lane::start(Claim claim, Moment now, bool probe) {
  if (claim.interrupted_since && destination_->reconciles()) return settle_interrupted(claim, now);
  if (pace_) pace_->take(now.monotonic);
  const std::uint64_t attempt = ++last_attempt_;
  if (probe) probe_in_flight_ = attempt;
  const auto place = in_flight_.emplace(attempt, Try{std::move(claim), now, rules_.accepts(), probe}).first;
  if (!destination_->reconciles()) return destination_->start(delivery_of(attempt, place->second));
  if (!place->second.claim.possibly_delivered || !look(attempt, now)) begin(attempt, false, now);
}

Delivery Lane::delivery_of(std::uint64_t attempt, const Try& of) {
  Delivery delivery;
  delivery.attempt = attempt;
  delivery.submission = of.claim.submission;
  delivery.payload = journal_.payload(of.claim);
  delivery.attempts_before = of.claim.attempts;
  delivery.possibly_delivered = of.claim.possibly_delivered && !of.earlier_ones_are_absent;
  return delivery;
}

std::size_t Lane::room(Moment now) const {
  const std::size_t limit = rules_.concurrency();
  if (in_flight_.size() >= limit || unsettled_ >= settlements_under_way) return 0;
  const std::size_t free = std::min(limit - in_flight_.size(), settlements_under_way - unsettled_);
  return pace_ ? std::min(free, static_cast<std::size_t>(pace_->left(now.monotonic))) : free;
}

void Lane::conclude(const DeliveryResult& result, Moment now) {
  const auto found = in_flight_.find(result.attempt);
  if (found == in_flight_.end()) {
    log_error("the destination answered for a try that isn't under way", {{"destination", settings_.name}});
    return;
  }
  Try attempt = std::move(found->second);
  in_flight_.erase(found);
  // A probe of a circuit that was closed meanwhile is a try like any other.
  attempt.probe = probe_in_flight_ == result.attempt && rules_.circuit().is_open();
  if (probe_in_flight_ == result.attempt) probe_in_flight_.reset();
  if (result.result.server_date) {
    journal_.witness_clock(*result.result.server_date);
    report_.heard_date(*result.result.server_date, now);
  }
  if (attempt.looking) return conclude_look(std::move(attempt), result.attempt, result, now);
  conclude(std::move(attempt), result.result, now);
}

void Lane::conclude(Try attempt, const AttemptResult& result, Moment now) {
  Verdict verdict = rules_.judge(attempt, result, now);
  if (!rules_.circuit().is_open()) probe_in_flight_.reset();
  report_.concluded(attempt, verdict, now);
  const SubmissionId& id = attempt.claim.submission.id;
  if (verdict.settlement.kind != Settlement::Kind::try_again) {
    reconciliation_.ended(id);
  } else if (result.possibly_delivered && destination_->reconciles()) {
    reconciliation_.unanswered(id, attempt.started.wall, now.monotonic);
  }
  if (verdict.settlement.kind == Settlement::Kind::delivered) {
    verdict.settlement.follow_up_at = follow_ups_.first_ask(now.wall);
  }
  if (attempt.looking) {
    verdict.settlement.sent = false;
    verdict.settlement.attempt.counted = false;
  }
  settle(attempt.claim, std::move(verdict.settlement));
}

void Lane::settle(const Claim& claim, Settlement settlement) {
  const bool stays_queued = settlement.kind == Settlement::Kind::try_again;
  ++unsettled_;
  journal_.settle(claim.token, std::move(settlement),
                  [mailbox = mailbox_, id = claim.submission.id, stays_queued](Result<void, SettleRefusal> saved) {
                    SettlementNotice notice{id, stays_queued, std::nullopt};
                    if (!saved.ok()) notice.refusal = saved.error();
                    mailbox->settled(notice);
                  });
}

milliseconds Lane::time_to_wait(Moment now) const {
  if (!mailbox_->empty()) return milliseconds{0};
  MonotonicTime until = now.monotonic + longest_wait;
  const auto at = [&](MonotonicTime time) { until = std::min(until, time); };
  if (const auto report = report_.next_turn()) at(*report);
  if (!stop_at_ && !held_until_) {
    if (const auto follow_up = follow_ups_.next_turn(now)) at(std::max(*follow_up, rules_.hold_until()));
  }
  if (stop_at_) {
    at(*stop_at_);
  } else if (journal_failing_until_) {
    at(*journal_failing_until_);
  } else if (held_until_) {
    at(now.monotonic + (*held_until_ - now.wall));
  } else if (now.monotonic < rules_.hold_until()) {
    at(rules_.hold_until());
  } else if (pace_ && pace_->left(now.monotonic) < 1) {
    at(now.monotonic + std::chrono::ceil<milliseconds>(pace_->wait(now.monotonic)));
  } else if (rules_.circuit().is_open()) {
    if (!probe_in_flight_ && unsettled_ < settlements_under_way)
      at(nothing_to_probe_ ? look_again_at_ : rules_.circuit().opening()->next_probe.monotonic);
  } else if (room(now) > 0) {
    at(look_again_at_);
    if (look_for_work_ || !rules_.let_in_again().empty()) at(now.monotonic);
    if (next_due_) at(now.monotonic + (*next_due_ - now.wall));
  }
  return std::max(milliseconds{0}, std::chrono::ceil<milliseconds>(until - now.monotonic));
}

void Lane::give_back_what_is_in_flight() {
  if (in_flight_.empty()) return;
  log_warning("tries were cut off by the stop; their submissions are sent again after the next start",
              {{"destination", settings_.name}, {"count", static_cast<unsigned long>(in_flight_.size())}});
  destination_->cancel_all();
  for (const auto& [attempt, cut_off] : in_flight_) journal_.release(cut_off.claim.token);
  in_flight_.clear();
}

std::optional<unsigned> Lane::count_try_laters(const Claim& claim) {
  const auto found = journal_.find(claim.submission.id, true);
  if (!found.ok() || !found.value()) return std::nullopt;
  unsigned count = 0;
  for (const DeliveryView& delivery : found.value()->view.deliveries) {
    if (delivery.destination != settings_.name) continue;
    for (const AttemptRecord& record : delivery.history)
      if (record.outcome == Outcome::try_later && record.counted && record.started_at >= claim.queued_since) ++count;
  }
  return count;
}

}  // namespace relay
