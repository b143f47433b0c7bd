#include "support/scripted_destination.hpp"

#include <algorithm>
#include <utility>

namespace relay {
namespace {

AttemptResult failed(Outcome outcome, ErrorKind kind, std::optional<int> status, std::string message) {
  AttemptResult result;
  result.outcome = outcome;
  result.error = DeliveryError{kind, status, std::move(message), "what the other side said"};
  return result;
}

AttemptResult unreadable_answer(PayloadFailure failure) {
  if (failure == PayloadFailure::corrupt) return refused_answer(ErrorKind::corrupt, 0);
  return failed(Outcome::try_later, ErrorKind::unavailable, std::nullopt, "the journal can't be read now");
}

// The payload in pieces, as a destination would read it.
Result<std::string, PayloadError> read_whole(PayloadSource& source) {
  std::string whole;
  while (whole.size() < source.size().value) {
    auto piece = source.read(whole.size(), 64 * 1024);
    if (!piece.ok()) return piece;
    if (piece->empty()) break;
    whole += *piece;
  }
  return whole;
}

}  // namespace

AttemptResult accepted_answer() {
  AttemptResult result;
  result.outcome = Outcome::accepted;
  result.receipt = {{"message_id", "m-1"}};
  return result;
}

AttemptResult refused_answer(ErrorKind kind, int status) {
  return failed(Outcome::refused, kind, status, "the payload was refused");
}

AttemptResult try_later_answer(std::optional<std::chrono::milliseconds> retry_after) {
  AttemptResult result = failed(Outcome::try_later, ErrorKind::unavailable, 503, "busy");
  result.retry_after = retry_after;
  return result;
}

AttemptResult broken_answer(ErrorKind kind) {
  return failed(Outcome::broken, kind, std::nullopt, "broken");
}

AttemptResult unknown_answer() {
  AttemptResult result = failed(Outcome::unknown, ErrorKind::timeout, std::nullopt, "no answer came");
  result.possibly_delivered = true;
  return result;
}

void DestinationScript::answer(Answer answer) {
  const std::lock_guard lock(mutex_);
  answer_ = std::make_shared<Answer>(std::move(answer));
}

void DestinationScript::answer_all(AttemptResult result) {
  answer([result = std::move(result)](const Delivery&) { return result; });
}

void DestinationScript::look_answer(LookAnswer answer) {
  const std::lock_guard lock(mutex_);
  look_ = std::make_shared<LookAnswer>(std::move(answer));
}

void DestinationScript::later_answer(LaterAnswer answer) {
  const std::lock_guard lock(mutex_);
  later_ = std::make_shared<LaterAnswer>(std::move(answer));
}

std::size_t DestinationScript::looks() const {
  const std::lock_guard lock(mutex_);
  return looks_;
}

std::size_t DestinationScript::questions() const {
  const std::lock_guard lock(mutex_);
  return questions_;
}

void DestinationScript::hold() {
  const std::lock_guard lock(mutex_);
  held_ = true;
}

void DestinationScript::let_go() {
  const std::lock_guard lock(mutex_);
  held_ = false;
  changed_.notify_all();
}

void DestinationScript::wake() {
  const std::lock_guard lock(mutex_);
  woken_ = true;
  changed_.notify_all();
}

std::vector<SeenTry> DestinationScript::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

std::size_t DestinationScript::tries() const {
  const std::lock_guard lock(mutex_);
  return seen_.size();
}

std::size_t DestinationScript::tries_of(const SubmissionId& id) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count_if(seen_.begin(), seen_.end(), [&](const auto& s) { return s.id == id; }));
}

std::size_t DestinationScript::tries_of_client(const std::string& client) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::count_if(seen_.begin(), seen_.end(), [&](const auto& s) { return s.client == client; }));
}

std::size_t DestinationScript::in_flight() const {
  const std::lock_guard lock(mutex_);
  return pending_.size();
}

std::size_t DestinationScript::most_in_flight() const {
  const std::lock_guard lock(mutex_);
  return most_in_flight_;
}

std::size_t DestinationScript::polls() const {
  const std::lock_guard lock(mutex_);
  return polls_;
}

bool DestinationScript::cancelled() const {
  const std::lock_guard lock(mutex_);
  return cancelled_;
}

void ScriptedDestination::start(Delivery delivery) {
  auto payload = read_whole(*delivery.payload);
  const std::lock_guard lock(script_->mutex_);
  script_->seen_.push_back({delivery.submission.id, delivery.submission.client, payload.ok() ? *payload : "",
                            delivery.attempts_before, delivery.possibly_delivered});
  DestinationScript::Pending pending{std::move(delivery), std::nullopt, false};
  if (!payload.ok()) pending.failure = payload.error().failure;
  script_->pending_.push_back(std::move(pending));
  script_->most_in_flight_ = std::max(script_->most_in_flight_, script_->pending_.size());
}

std::vector<DeliveryResult> ScriptedDestination::poll(std::chrono::milliseconds timeout) {
  std::unique_lock lock(script_->mutex_);
  ++script_->polls_;
  const auto answerable = [&] { return !script_->held_ && !script_->pending_.empty(); };
  script_->changed_.wait_for(lock, timeout, [&] { return script_->woken_ || answerable(); });
  script_->woken_ = false;
  if (!answerable()) return {};
  const auto ready = std::exchange(script_->pending_, {});
  const auto answer = script_->answer_;
  const auto look_answer = script_->look_;
  lock.unlock();  // an answer may look at the script
  std::vector<DeliveryResult> results;
  for (const auto& [delivery, failure, look] : ready) {
    if (look) {
      const DestinationScript::Look found = (*look_answer)(delivery);
      results.push_back({delivery.attempt, found.result, found.presence});
    } else {
      results.push_back({delivery.attempt, failure ? unreadable_answer(*failure) : (*answer)(delivery), std::nullopt});
    }
  }
  return results;
}

bool ScriptedDestination::reconciles() const {
  const std::lock_guard lock(script_->mutex_);
  return script_->look_ != nullptr;
}

void ScriptedDestination::reconcile(Delivery delivery) {
  const std::lock_guard lock(script_->mutex_);
  ++script_->looks_;
  script_->pending_.push_back({std::move(delivery), std::nullopt, true});
}

bool ScriptedDestination::follows_up() const {
  const std::lock_guard lock(script_->mutex_);
  return script_->later_ != nullptr;
}

void ScriptedDestination::follow_up(FollowUp delivered) {
  const std::lock_guard lock(script_->mutex_);
  ++script_->questions_;
  FollowUpAnswer answer = (*script_->later_)(delivered);
  answer.id = delivered.submission.id;
  script_->later_answers_.push_back(std::move(answer));
  script_->woken_ = true;
  script_->changed_.notify_all();
}

std::vector<FollowUpAnswer> ScriptedDestination::take_follow_ups() {
  const std::lock_guard lock(script_->mutex_);
  return std::exchange(script_->later_answers_, {});
}

void ScriptedDestination::cancel_all() {
  const std::lock_guard lock(script_->mutex_);
  script_->cancelled_ = true;
  script_->pending_.clear();
}

}  // namespace relay
