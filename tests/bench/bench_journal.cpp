#include "bench/bench_journal.hpp"

#include <stdexcept>

namespace relay::bench {

void UnderWay::begin() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return count_ < limit_; });
  ++count_;
}

void UnderWay::end(bool succeeded) {
  {
    const std::lock_guard lock(mutex_);
    --count_;
    failed_ += !succeeded;
  }
  changed_.notify_one();
}

void UnderWay::await_all() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return count_ == 0; });
  if (failed_ > 0) throw std::runtime_error(std::to_string(failed_) + " operations were refused by the journal");
}

BenchJournal::BenchJournal(const std::string& path, std::vector<std::string> destinations, std::size_t payload_size,
                           std::size_t under_way)
    : ids_(system_clock()), payload_(payload_size), destinations_(std::move(destinations)), under_way_(under_way) {
  JournalOptions options;
  options.path = path;
  options.destinations = destinations_;
  options.allow_tmpfs = true;
  auto opened = open_journal(options, system_clock());
  if (!opened) throw std::runtime_error(opened.error().message);
  journal_ = std::move(*opened);
}

BenchJournal::~BenchJournal() {
  journal_->close();
}

void BenchJournal::append(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    NewSubmission made;
    made.payload = std::string(payload_.make(number_++));
    const auto& payload = std::get<std::string>(made.payload);
    made.submission.id = ids_.next();
    // As many clients as a site has senders.
    made.submission.client = "lab.sender-" + std::to_string(number_ % 20);
    made.submission.content_type = "application/hl7-v2";
    made.submission.size = {payload.size()};
    made.submission.sha256 = sha256(payload);
    made.submission.accepted_at = system_clock().wall_now();
    made.destinations = destinations_;
    under_way_.begin();
    journal_->append(std::move(made),
                     [this](const Result<Appended, AppendRefusal>& result) { under_way_.end(result.ok()); });
  }
  under_way_.await_all();
}

std::vector<Claim> BenchJournal::claim(const std::string& destination, std::size_t count) {
  return journal_->claim(destination, count);
}

void BenchJournal::settle(const std::vector<Claim>& claims, Outcome outcome) {
  for (const auto& each : claims) {
    Settlement settlement;
    settlement.attempt.started_at = settlement.attempt.ended_at = system_clock().wall_now();
    settlement.attempt.outcome = outcome;
    if (outcome == Outcome::accepted) {
      settlement.kind = Settlement::Kind::delivered;
      settlement.attempt.receipt = {{"message_id", "5974b586-0df3-4e2d-ad0c-18e3892bfca2"}};
    } else {
      settlement.kind = Settlement::Kind::dead_letter;
      settlement.attempt.error = DeliveryError{ErrorKind::refused, 422, "answered 422", {}};
    }
    under_way_.begin();
    journal_->settle(each.token, std::move(settlement),
                     [this](const Result<void, SettleRefusal>& result) { under_way_.end(result.ok()); });
  }
  under_way_.await_all();
}

}  // namespace relay::bench
