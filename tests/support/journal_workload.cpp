#include "support/journal_workload.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>

namespace relay {
namespace {

using Answer = KnownSubmission::Answer;

constexpr std::chrono::hours dedupe_window{24};

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
  const unsigned dice = below(116);
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
  pause_or_resume();
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

// ---- Intake ---------------------------------------------------------------------------------------------------------

void JournalWorkload::append_new() {
  const unsigned dice = below(20);
  const std::size_t size = dice == 0   ? inline_payload_limit.value
                           : dice == 1 ? 1
                           : dice < 5  ? 1 + below(60'000)
                                       : 1 + below(3'000);
  KnownSubmission& known = model_.invent(clock_, size);
  name(known);
  if (below(8) == 0) known.submission.query_parameters = "processing=async&n=" + std::to_string(random_());
  append_bytes(known);
}

// Some have a key, some a message name, some neither.
void JournalWorkload::name(KnownSubmission& known) {
  const std::string unique = known.submission.client + ":" + std::to_string(random_());
  if (below(4) == 0) {
    known.message_name = MessageName{"mllp:" + unique, dedupe_window, true};
    known.submission.intake = Intake::mllp;
  } else if (below(2)) {
    known.key = "http:" + unique;
  }
}

void JournalWorkload::append_repeat() {
  const KnownSubmission* earlier = any_submission(true);
  if (!earlier) return;
  KnownSubmission& again = model_.invent(clock_, 0, earlier);
  if (again.message_name) again.message_name->absorb = below(4) > 0;
  append_bytes(again);
}

void JournalWorkload::append_conflict() {
  const KnownSubmission* earlier = any_submission(true);
  if (!earlier) return;
  const auto key = earlier->key;
  const auto message_name = earlier->message_name;
  KnownSubmission& other = model_.invent(clock_, 77);
  other.key = key;
  other.message_name = message_name;
  append_bytes(other);
}

// Of a file that is known to be in the journal.
void JournalWorkload::end_move() {
  for (auto& [id, note] : model_.notes()) {
    const KnownSubmission* known = model_.find(id);
    if (note.ended || known == nullptr || known->answer != Answer::acknowledged) continue;
    note.ended = true;
    return journal_.end_pending_move(id);
  }
}

void JournalWorkload::append_bytes(KnownSubmission& known) {
  append(known, JournalModel::payload(known.payload_seed, known.submission.size.value));
}

void JournalWorkload::append(KnownSubmission& known,
                             std::variant<std::string, std::unique_ptr<PayloadUpload>> payload) {
  inbox_->expect();
  model_.contest_names(known);
  for (auto& [id, other] : model_.submissions()) {
    other.repeats_most += JournalModel::share_a_name(known, other) && other.payload_seed == known.payload_seed;
  }
  NewSubmission submission{known.submission, known.destinations, known.key, std::move(payload), {}, known.message_name};
  // A third each: in no order, a client's, one of a few order numbers.
  using Kind = DeliveryOrder::Kind;
  if (known.payload_seed % 3 == 1) known.order = DeliveryOrder{Kind::client, known.submission.client};
  if (known.payload_seed % 3 == 2) {
    known.order = DeliveryOrder{Kind::order_number, "order " + std::to_string(known.payload_seed / 3 % 4)};
  }
  submission.order = known.order;
  known.handed_over = model_.count_event();
  if (below(4) == 0) {
    submission.pending_move = "note " + std::to_string(random_());
    model_.notes()[known.submission.id] = {*submission.pending_move, false};
  }
  journal_.append(std::move(submission),
                  [inbox = inbox_, this, id = known.submission.id](Result<Appended, AppendRefusal> result) {
                    inbox->answer([this, id, result] { answered_append(id, result); });
                  });
}

void JournalWorkload::answered_append(const SubmissionId& id, const Result<Appended, AppendRefusal>& result) {
  KnownSubmission& known = *model_.find(id);
  if (!result) {
    const AppendRefusal why = result.error();
    // What failed on the disk may be there nevertheless.
    const bool uncertain = why == AppendRefusal::journal_failing || why == AppendRefusal::disk_low;
    if (!uncertain) known.answer = Answer::refused;
    if (why == AppendRefusal::idempotency_conflict) {
      const bool taken = std::any_of(model_.submissions().begin(), model_.submissions().end(), [&](const auto& other) {
        return known.key && JournalModel::share_a_name(known, other.second) &&
               other.second.payload_seed != known.payload_seed;
      });
      if (!taken) finding(name_of(known) + " was refused as a conflict, and nobody used its key for other bytes");
    } else if (!excused_()) {
      finding(name_of(known) + " was refused without a reason");
    }
    return;
  }
  if (result->replayed) {
    known.answer = Answer::refused;
    KnownSubmission* earlier = model_.find(result->view.submission.id);
    if (!earlier || !JournalModel::share_a_name(known, *earlier) || earlier->payload_seed != known.payload_seed) {
      finding(name_of(known) + " was taken for a repeat of what it isn't");
    } else if (earlier->answer == Answer::refused) {
      finding(name_of(known) + " was taken for a repeat of what was refused");
    } else {
      earlier->answer = Answer::acknowledged;
      ++earlier->repeats_least;
    }
    return;
  }
  known.answer = Answer::acknowledged;
  known.known_to_be_there = model_.count_event();
  ++acknowledged_;
  if (result->view.submission.id != id) finding(name_of(known) + " was acknowledged under another id");
  for (const auto& [other_id, other] : model_.submissions()) {
    if (other.answer != Answer::acknowledged || !JournalModel::share_a_name(known, other)) continue;
    const bool repeat = model_.must_hold_name(other, clock_.wall_now()) && other.payload_seed == known.payload_seed;
    if (model_.must_hold_key(other, clock_.wall_now()) || (repeat && known.message_name->absorb)) {
      finding(name_of(known) + " was taken as new although " + name_of(other) + " holds its key or message name");
    } else if (repeat && result->recurrence != Recurrence::repeat) {
      finding(name_of(known) + " wasn't told to be a repeat of " + name_of(other));
    }
  }
}

// One large payload at a time, a chunk a step, so that everything else happens between its chunks.
void JournalWorkload::upload() {
  if (upload_) return upload_chunk();
  const std::size_t size = inline_payload_limit.value + 1 + below(650'000);
  KnownSubmission& known = model_.invent(clock_, size);
  name(known);
  upload_ = Upload{known.submission.id, journal_.open_upload(known.submission.id),
                   JournalModel::payload(known.payload_seed, size)};
}

void JournalWorkload::upload_chunk() {
  if (upload_->failed || below(12) == 0) {  // given up
    model_.find(upload_->id)->answer = Answer::refused;
    upload_.reset();
    return;
  }
  if (upload_->rest.empty()) {
    append(*model_.find(upload_->id), std::move(upload_->handle));
    upload_.reset();
    return;
  }
  std::string chunk = upload_->rest.substr(0, payload_chunk_size.value);
  upload_->rest.erase(0, chunk.size());
  inbox_->expect();
  journal_.append_chunk(*upload_->handle, std::move(chunk), [inbox = inbox_, this](Result<void, AppendRefusal> result) {
    inbox->answer([this, taken = result.ok()] {
      if (taken) return;
      if (upload_) upload_->failed = true;
      if (!excused_()) finding("a chunk was refused without a reason");
    });
  });
  wait(0);  // the next one only after this one's answer
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
  inbox_->expect();
  journal_.settle(held.claim.token, std::move(settlement),
                  [inbox = inbox_, this, id, destination = held.destination, state,
                   confirmation](Result<void, SettleRefusal> result) {
                    inbox->answer([this, id, destination, state, confirmation, result] {
                      answered_settle(id, destination, state, confirmation, result);
                    });
                  });
}

void JournalWorkload::answered_settle(const SubmissionId& id, const std::string& destination, DeliveryState state,
                                      const std::string& confirmation, const Result<void, SettleRefusal>& result) {
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
  delivery.attempts_least = delivery.attempts_most;
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
