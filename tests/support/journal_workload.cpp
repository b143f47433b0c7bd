#include "support/journal_workload.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>

namespace relay {
namespace {

using Answer = KnownSubmission::Answer;

// Far beyond any commit on a disk in memory; reached, it is a hang.
constexpr auto patience = std::chrono::seconds(60);

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

// ---- AnswerInbox ----------------------------------------------------------------------------------------------------

void AnswerInbox::expect() {
  std::lock_guard lock(mutex_);
  ++missing_;
}

void AnswerInbox::answer(std::function<void()> apply) {
  std::lock_guard lock(mutex_);
  answers_.push_back(std::move(apply));
  --missing_;
  changed_.notify_all();
}

std::size_t AnswerInbox::missing() const {
  std::lock_guard lock(mutex_);
  return missing_;
}

bool AnswerInbox::apply(std::size_t limit, const std::function<bool()>& give_up) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::unique_lock lock(mutex_);
  for (;;) {
    while (!answers_.empty()) {
      auto next = std::move(answers_.front());
      answers_.pop_front();
      lock.unlock();
      next();
      lock.lock();
    }
    if (missing_ <= limit || give_up()) return true;
    if (std::chrono::steady_clock::now() > deadline) return false;
    changed_.wait_for(lock, std::chrono::milliseconds(5));
  }
}

// ---- The workload ---------------------------------------------------------------------------------------------------

JournalWorkload::JournalWorkload(Journal& journal, JournalModel& model, SteppedClock& clock, std::uint64_t seed,
                                 WorkloadOptions options, std::function<bool()> dead)
    : journal_(journal), model_(model), clock_(clock), random_(seed), options_(options), dead_(std::move(dead)) {
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
  const unsigned dice = below(100);
  if (dice < 30) return append_new();
  if (dice < 35) return append_repeat();
  if (dice < 37) return append_conflict();
  if (dice < 41 && options_.large_payloads) return upload();
  if (dice < 58) return claim();
  if (dice < 61) return claim_probe();
  if (dice < 81) return settle();
  if (dice < 84) return release();
  if (dice < 85) return settle_stale();
  if (dice < 90) return read_payload();
  if (dice < 95) return count();
  query();
}

KnownSubmission* JournalWorkload::any_submission(bool with_key) {
  std::vector<KnownSubmission*> fitting;
  for (auto& [id, known] : model_.submissions()) {
    if (!with_key || (known.key && known.submission.size <= inline_payload_limit)) fitting.push_back(&known);
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
  if (below(2)) known.key = "http:" + known.submission.client + ":" + std::to_string(random_());
  append(known);
}

void JournalWorkload::append_repeat() {
  const KnownSubmission* earlier = any_submission(true);
  if (earlier) append(model_.invent(clock_, 0, earlier));
}

void JournalWorkload::append_conflict() {
  const KnownSubmission* earlier = any_submission(true);
  if (!earlier || earlier->answer != Answer::acknowledged) return;
  KnownSubmission& other = model_.invent(clock_, 77);
  other.key = find_key_of_other(*earlier);
  append(other, true);
}

void JournalWorkload::append(KnownSubmission& known, bool conflict) {
  inbox_->expect();
  const SubmissionId id = known.submission.id;
  NewSubmission submission{known.submission, known.destinations, known.key,
                           JournalModel::payload(known.payload_seed, known.submission.size.value)};
  journal_.append(std::move(submission), [inbox = inbox_, this, id, conflict](Result<Appended, AppendRefusal> result) {
    inbox->answer([this, id, conflict, result] { answered_append(id, result, conflict); });
  });
}

}  // namespace relay
