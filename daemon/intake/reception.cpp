#include "intake/reception.hpp"

#include <algorithm>
#include <utility>

namespace relay {

// All of it is still held then.
static_assert(hl7_header_within < payload_chunk_size.value);

RequestProblem append_problem(AppendRefusal refusal) {
  using std::chrono::seconds;
  switch (refusal) {
    case AppendRefusal::journal_full:
      return {ProblemName::journal_full, "The journal holds as much as `journal.max_size` allows; try again later.",
              seconds(60)};
    case AppendRefusal::disk_low:
      return {ProblemName::disk_low, "The journal's disk has less free than `journal.min_free_disk`; try again later.",
              seconds(60)};
    case AppendRefusal::stopping:
      return {ProblemName::stopping, "The relay is stopping; try again when it is back.", seconds(10)};
    case AppendRefusal::idempotency_conflict:
      return {ProblemName::idempotency_conflict,
              "This client used the Idempotency-Key before with another payload or content type."};
    case AppendRefusal::journal_failing:
      break;
  }
  return {ProblemName::journal_failing, "The journal can't be written now; try again later.", seconds(30)};
}

RequestProblem memory_problem() {
  return {ProblemName::memory_full, "Payloads that are arriving hold all of `intake.memory`; try again.",
          std::chrono::seconds(1)};
}

RequestProblem too_large_problem(ByteCount limit) {
  return {ProblemName::payload_too_large,
          "At most " + std::to_string(limit.value) + " bytes are taken for this client and content type."};
}

ReceptionState::ReceptionState(Plan plan, Journal& journal, const Clock& clock,
                               std::shared_ptr<IntakeCounters> counters, std::shared_ptr<MemoryBudget> budget)
    : plan_(std::move(plan)),
      journal_(journal),
      clock_(clock),
      counters_(std::move(counters)),
      budget_(std::move(budget)) {
  if (plan_.destined) begin_order();
}

void ReceptionState::begin_order() {
  plan_.limit = plan_.destined->limit;
  const bool hl7 = plan_.arrival.content_type->type == hl7_media_type;
  if (plan_.destined->ordering == Ordering::key && hl7) number_.emplace();
}

bool ReceptionState::reserve() {
  // A payload of unknown size grows its lease as it comes.
  return lease_.grow_to(std::min(plan_.arrival.declared_size.value_or(ByteCount{0}), payload_chunk_size));
}

void ReceptionState::write(std::string_view bytes, Reception::WriteCallback ready) {
  if (auto problem = take(bytes)) return ready(Failure{std::move(*problem)});
  const bool invalid = validator() && validator()->problem();
  store(invalid ? std::string_view() : bytes, std::move(ready));
}

std::optional<RequestProblem> ReceptionState::take(std::string_view bytes) {
  if (refused_) return refused_;
  size_ += ByteCount{bytes.size()};
  if (size_ > plan_.limit) return refuse(too_large_problem(plan_.limit));
  hash_.update(bytes);
  if (auto problem = look_at_header(bytes, false)) return problem;
  if (number_) number_->feed(bytes);
  if (validator()) validator()->feed(bytes);
  if (validator() && validator()->problem()) {
    // It will be refused at its end; until then only its digest is of interest.
    held_ = {};
    upload_.reset();
    return std::nullopt;
  }
  const ByteCount needed = std::min(ByteCount{held_.size() + bytes.size()}, payload_chunk_size);
  if (!lease_.grow_to(needed)) return refuse(memory_problem());
  return std::nullopt;
}

std::optional<RequestProblem> ReceptionState::look_at_header(std::string_view bytes, bool at_end) {
  if (plan_.destined) return std::nullopt;
  header_.feed(bytes);
  if (at_end) header_.finish();
  const bool no_hl7 = header_.readable().has_value() && !*header_.readable();
  if (!at_end && !no_hl7 && !header_.message_header() && size_.value < hl7_header_within) return std::nullopt;
  auto decided = plan_.decide(plan_.arrival, header_.first_header());
  if (!decided) return refuse(std::move(decided.error()));
  plan_.destined = std::move(*decided);
  begin_order();
  if (size_ > plan_.limit) return refuse(too_large_problem(plan_.limit));
  // What came before; it is all still here.
  if (number_) number_->feed(held_);
  if (validator()) validator()->feed(held_);
  return std::nullopt;
}

std::optional<DeliveryOrder> ReceptionState::order() const {
  const Destined& destined = *plan_.destined;
  if (destined.ordering == Ordering::none) return std::nullopt;
  if (number_ && !number_->number().empty()) {
    return DeliveryOrder{DeliveryOrder::Kind::order_number, std::string(number_->number()), destined.on_dead_letter};
  }
  return DeliveryOrder{DeliveryOrder::Kind::client, plan_.arrival.client, destined.on_dead_letter};
}

// Fills the chunk at hand; a full one is committed before the next begins, on the writer's thread.
void ReceptionState::store(std::string_view bytes, Reception::WriteCallback ready) {
  const std::string_view part = bytes.substr(0, payload_chunk_size.value - held_.size());
  if (held_.empty()) {
    const ByteCount expected = plan_.arrival.declared_size.value_or(ByteCount{part.size()});
    // One more: the journal puts a byte before it.
    held_.reserve(std::min(expected + ByteCount{1}, payload_chunk_size).value);
  }
  held_.append(part);
  if (held_.size() < payload_chunk_size.value) return ready({});
  commit_chunk(
      [self = shared_from_this(), rest = bytes.substr(part.size()), ready](Result<void, RequestProblem> result) {
        if (!result) return ready(std::move(result));
        self->store(rest, ready);
      });
}

void ReceptionState::commit_chunk(Reception::WriteCallback committed) {
  if (!upload_) upload_ = journal_.open_upload(plan_.id);
  journal_.append_chunk(*upload_, std::exchange(held_, {}),
                        [self = shared_from_this(), committed](Result<void, AppendRefusal> result) {
                          if (result) return committed({});
                          committed(Failure{self->refuse(append_problem(result.error()))});
                        });
}

void ReceptionState::finish(Reception::FinishCallback durable) {
  if (auto problem = check_whole()) return durable(Failure{std::move(*problem)});
  if (!upload_ && held_.size() <= inline_payload_limit.value) return append(std::move(durable));
  if (held_.empty()) return append(std::move(durable));
  commit_chunk([self = shared_from_this(), durable](Result<void, RequestProblem> committed) {
    if (!committed) return durable(Failure{std::move(committed.error())});
    self->append(durable);
  });
}

// In the contract's order: empty, digest, validation, key (whose use for another payload the journal finds).
std::optional<RequestProblem> ReceptionState::check_whole() {
  if (refused_) return refused_;
  if (size_.value == 0) return refuse({ProblemName::empty_payload, "A submission needs a payload."});
  if (auto problem = look_at_header({}, true)) return problem;
  if (number_) number_->finish();
  digest_ = hash_.finish();
  if (plan_.arrival.digest_problem) return refuse(*plan_.arrival.digest_problem);
  if (plan_.arrival.content_digest && *plan_.arrival.content_digest != digest_) {
    return refuse({ProblemName::digest_mismatch, "The SHA-256 of the payload isn't the one that Content-Digest says."});
  }
  if (validator()) validator()->finish();
  if (validator() && validator()->problem()) {
    return refuse({ProblemName::invalid_payload, *validator()->problem()});
  }
  if (plan_.arrival.key_problem) return refuse(*plan_.arrival.key_problem);
  return std::nullopt;
}

void ReceptionState::append(Reception::FinishCallback durable) {
  Arrival& arrival = plan_.arrival;
  NewSubmission submission;
  submission.submission = {plan_.id,
                           arrival.client,
                           std::move(arrival.content_type->type),
                           std::move(arrival.content_type->parameters),
                           std::move(arrival.payload_name),
                           arrival.intake,
                           size_,
                           digest_,
                           clock_.wall_now(),
                           std::move(arrival.query_parameters)};
  submission.order = order();
  submission.destinations = std::move(plan_.destined->destinations);
  if (arrival.idempotency_key) {
    // A sender's key is the same key at the operator socket; other doors' keys are of another kind.
    const Intake kind = arrival.intake == Intake::submit ? Intake::http : arrival.intake;
    submission.idempotency_key = std::string(intake_name(kind)) + ':' + arrival.client + ':' + *arrival.idempotency_key;
  }
  submission.pending_move = std::move(arrival.pending_move);
  if (arrival.message_name) {
    submission.message_name = std::move(arrival.message_name);
    submission.message_name->text =
        std::string(intake_name(arrival.intake)) + ':' + arrival.client + ':' + submission.message_name->text;
  }
  if (upload_) {
    submission.payload = std::move(upload_);
  } else {
    submission.payload = std::move(held_);
  }
  journal_.append(std::move(submission), [self = shared_from_this(), durable](Result<Appended, AppendRefusal> result) {
    self->lease_.end();
    if (!result) return durable(Failure{self->refuse(append_problem(result.error()))});
    self->counters_->accepted(self->plan_.arrival.intake, *result);
    durable(std::move(*result));
  });
}

RequestProblem ReceptionState::refuse(RequestProblem problem) {
  refused_ = problem;
  held_ = {};
  upload_.reset();
  lease_.end();
  counters_->refused(plan_.arrival.intake, problem.name);
  return problem;
}

}  // namespace relay
