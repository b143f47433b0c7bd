#include "support/journal_workload.hpp"

#include <algorithm>
#include <chrono>

namespace relay {
namespace {

using Answer = KnownSubmission::Answer;

AttemptRecord attempt_at(WallTime now, Outcome outcome, bool counted) {
  AttemptRecord attempt;
  attempt.started_at = now;
  attempt.ended_at = now + std::chrono::milliseconds(5);
  attempt.outcome = outcome;
  attempt.counted = counted;
  if (outcome == Outcome::accepted) {
    attempt.receipt["message_id"] = "42";
  } else {
    attempt.error = DeliveryError{outcome == Outcome::refused  ? ErrorKind::refused
                                  : outcome == Outcome::broken ? ErrorKind::unreachable
                                                               : ErrorKind::unavailable,
                                  503, "the queue answered 503", "busy"};
  }
  return attempt;
}

}  // namespace

// ---- The workload ---------------------------------------------------------------------------------------------------

JournalWorkload::JournalWorkload(Journal& journal, JournalModel& model, SteppedClock& clock, std::uint64_t seed,
                                 WorkloadOptions options, std::function<bool()> dead, std::function<bool()> excused)
    : journal_(journal),
      model_(model),
      clock_(clock),
      random_(seed),
      options_(options),
      dead_(std::move(dead)),
      excused_(std::move(excused)) {
  for (unsigned i = 0; i < options_.readers; ++i) {
    readers_.emplace_back([this, seed, i] { read_beside(seed + i + 1); });
  }
}

JournalWorkload::~JournalWorkload() {
  stop_readers_ = true;
  for (std::thread& reader : readers_) reader.join();
}

void JournalWorkload::run(unsigned steps) {
  for (unsigned i = 0; i < steps && !dead_(); ++i) {
    step();
    wait(options_.in_flight - 1);
  }
  if (upload_) {  // given up; its handle mustn't outlive the journal
    model_.find(upload_->id)->answer = Answer::refused;
    upload_.reset();
  }
  stop_readers_ = true;
  for (std::thread& reader : readers_) reader.join();
  readers_.clear();
  std::lock_guard lock(reader_mutex_);
  findings_.insert(findings_.end(), reader_findings_.begin(), reader_findings_.end());
}

void JournalWorkload::finish() {
  inbox_->apply(0, [] { return true; });
  if (inbox_->missing() > 0) finding(std::to_string(inbox_->missing()) + " callbacks never ran");
}

void JournalWorkload::wait(std::size_t limit) {
  if (!inbox_->apply(limit, dead_)) finding("no answer within a minute");
}

void JournalWorkload::step() {
  clock_.advance(std::chrono::milliseconds(1 + below(200)));
  const unsigned dice = below(120);
  if (dice < 28) return append_new();
  if (dice < 33) return append_repeat();
  if (dice < 35) return append_conflict();
  if (dice < 43) return options_.large_payloads ? upload() : append_new();
  if (dice < 59) return claim();
  if (dice < 62) return claim_probe();
  if (dice < 81) return settle();
  if (dice < 84) return release();
  if (dice < 85) return settle_stale();
  if (dice < 90) return read_payload();
  if (dice < 93) return count();
  if (dice < 95) return end_move();
  if (dice < 99) return query();
  if (dice < 104) return begin_attempt();
  if (dice < 107) return ask();
  if (dice < 113) return act();
  if (dice < 114) return retry_all();
  if (dice < 116) return pause_or_resume();
  use_mark();
}

const KnownSubmission* JournalWorkload::any_submission(bool with_key) {
  std::vector<const KnownSubmission*> fitting;
  for (const auto& [id, known] : model_.submissions()) {
    const bool named = known.key || known.message_name;
    if (!with_key || (named && known.submission.size <= inline_payload_limit)) fitting.push_back(&known);
  }
  return fitting.empty() ? nullptr : fitting[below(static_cast<unsigned>(fitting.size()))];
}

const std::string& JournalWorkload::any_destination() {
  return model_.destinations()[below(static_cast<unsigned>(model_.destinations().size()))];
}

// ---- Lanes ----------------------------------------------------------------------------------------------------------

void JournalWorkload::claim() {
  const std::string& destination = any_destination();
  take(journal_.claim(destination, 1 + below(4)), destination);
}

void JournalWorkload::claim_probe() {
  const std::string& destination = any_destination();
  ProbeChoice choice;
  const auto waiting = journal_.waiting_clients(destination, 10);
  if (!waiting.empty() && below(2)) choice.client = waiting[below(static_cast<unsigned>(waiting.size()))];
  if (below(2)) choice.end = ClaimEnd::newest;
  if (auto claim = journal_.claim_probe(destination, choice)) {
    std::vector<Claim> claims;
    claims.push_back(std::move(*claim));
    take(std::move(claims), destination);
  }
}

void JournalWorkload::take(std::vector<Claim> claims, const std::string& destination) {
  for (Claim& claim : claims) {
    const auto which = std::pair(claim.submission.id, destination);
    // Its last settlement may have been committed and the answer be on its way.
    if (taken_.contains(which)) wait(0);
    if (!taken_.insert(which).second) {
      finding(claim.submission.id.text() + " was claimed twice at once for " + destination);
    }
    model_.check_claim(destination, claim, findings_);
    held_.push_back({std::move(claim), destination});
  }
}

JournalWorkload::Held JournalWorkload::take_held() {
  std::swap(held_[below(static_cast<unsigned>(held_.size()))], held_.back());
  Held held = std::move(held_.back());
  held_.pop_back();
  return held;
}

void JournalWorkload::settle() {
  if (held_.empty()) return claim();
  const Held held = take_held();
  ended_.push_back(held.claim.token);
  const unsigned dice = below(20);
  Settlement settlement;
  Outcome outcome = Outcome::accepted;
  DeliveryState state = DeliveryState::queued;
  if (dice < 10) {
    settlement.kind = Settlement::Kind::delivered;
    state = DeliveryState::delivered;
  } else if (dice < 13) {
    settlement.kind = Settlement::Kind::dead_letter;
    state = DeliveryState::dead_letter;
    outcome = Outcome::refused;
  } else {
    settlement.kind = Settlement::Kind::try_again;
    outcome = dice < 15 ? Outcome::try_later : dice < 17 ? Outcome::unknown : Outcome::broken;
    settlement.possibly_delivered = outcome == Outcome::unknown;
    if (below(2)) settlement.not_before = clock_.wall_now() + std::chrono::seconds(below(300));
  }
  if (state == DeliveryState::delivered && below(3) == 0) {
    settlement.follow_up_at = clock_.wall_now() + std::chrono::seconds(below(300));
  }
  const std::string confirmation = settlement.follow_up_at ? "pending" : "none";
  settlement.attempt = attempt_at(clock_.wall_now(), outcome, outcome != Outcome::broken);

  const SubmissionId id = held.claim.submission.id;
  if (KnownSubmission* known = model_.find(id)) {
    KnownDelivery& delivery = known->deliveries[held.destination];
    delivery.possible.insert(state);
    delivery.ended_at = std::max(delivery.ended_at, settlement.attempt.ended_at);
    delivery.attempts_most += settlement.attempt.counted;
    delivery.started.insert(std::nullopt);
    delivery.said.insert({confirmation, ""});
    model_.contest_names(*known);
  }
  const Settled settled{id, held.destination, state, settlement.attempt.counted, confirmation};
  inbox_->expect();
  journal_.settle(held.claim.token, std::move(settlement),
                  [inbox = inbox_, this, settled](Result<void, SettleRefusal> result) {
                    inbox->answer([this, settled, result] { answered_settle(settled, result); });
                  });
}

void JournalWorkload::answered_settle(const Settled& settled, const Result<void, SettleRefusal>& result) {
  const auto& [id, destination, state, counted, confirmation] = settled;
  KnownSubmission* known = model_.find(id);
  if (!known) return;
  if (!result) {
    // Kept by the journal and saved later: either outcome may be found after a crash. What is to be tried again may
    // come again once it is saved; what has ended never may.
    if (state == DeliveryState::queued) taken_.erase({id, destination});
    if (result.error() == SettleRefusal::stale_token) finding(name_of(*known) + ": its claim was called stale");
    if (!excused_()) finding(name_of(*known) + ": its settlement was refused without a reason");
    return;
  }
  KnownDelivery& delivery = known->deliveries[destination];
  delivery.possible = {state};
  // Not all that may have been counted: an act that couldn't be saved never came between.
  delivery.attempts_least += counted;
  delivery.started = {std::nullopt};
  delivery.said = {{confirmation, ""}};
  taken_.erase({id, destination});
}

void JournalWorkload::release() {
  if (held_.empty()) return;
  const Held held = take_held();
  journal_.release(held.claim.token);
  ended_.push_back(held.claim.token);
  taken_.erase({held.claim.submission.id, held.destination});
}

void JournalWorkload::settle_stale() {
  if (ended_.empty() || excused_()) return;  // a settlement that couldn't be saved keeps its claim
  wait(0);
  Settlement settlement;
  settlement.kind = Settlement::Kind::delivered;
  settlement.attempt = attempt_at(clock_.wall_now(), Outcome::accepted, true);
  inbox_->expect();
  journal_.settle(ended_[below(static_cast<unsigned>(ended_.size()))], std::move(settlement),
                  [inbox = inbox_, this](Result<void, SettleRefusal> result) {
                    inbox->answer([this, taken = result.ok()] {
                      if (taken) finding("a settlement with an ended claim was taken");
                    });
                  });
}

void JournalWorkload::read_payload() {
  if (held_.empty()) return;
  const Held& held = held_[below(static_cast<unsigned>(held_.size()))];
  const KnownSubmission* known = model_.find(held.claim.submission.id);
  if (!known) return;
  const auto source = journal_.payload(held.claim);
  std::string bytes;
  for (;;) {
    auto piece = source->read(bytes.size(), 50'000);
    if (!piece) {
      if (!excused_() || piece.error().failure == PayloadFailure::corrupt) {
        finding(name_of(*known) + ": payload of its claim: " + piece.error().message);
      }
      return;
    }
    if (piece->empty()) break;
    bytes += *piece;
  }
  if (bytes != JournalModel::payload(known->payload_seed, known->submission.size.value)) {
    finding(name_of(*known) + ": its claim gives out other bytes");
  }
}

}  // namespace relay
