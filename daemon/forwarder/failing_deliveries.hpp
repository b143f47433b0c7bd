// FailingDeliveries: the open deliveries whose last try failed, and which of them are stuck: they fail while others
// succeed, twenty times or for an hour. Kept in memory, bounded; after a restart a delivery's number of tries tells
// most of it again.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "forwarder/kinds_of_failure.hpp"
#include "forwarder/moment.hpp"
#include "submission/submission.hpp"

namespace relay {

struct FailedTry {
  SubmissionId id;
  ErrorKind kind = ErrorKind::unexpected_answer;
  bool broken = false;
  unsigned tries_before = 0;           // in a row, as the journal remembers them
  std::uint64_t accepts_at_start = 0;  // of any delivery, when this try began
  std::uint64_t accepts = 0;           // and now
  MonotonicTime now{};
  MonotonicTime due{};  // when it will be tried again
};

class FailingDeliveries {
 public:
  static constexpr unsigned tries_that_are_stuck = 20;
  static constexpr std::chrono::hours time_that_is_stuck{1};
  // Bounds memory (about 2 MiB). Further ones aren't remembered, so they don't count as stuck.
  static constexpr std::size_t most = 10'000;

  // Was this delivery broken the same way before, and others accepted since? Asked before failed().
  bool alone(const SubmissionId& id, ErrorKind kind, unsigned tries_before, std::uint64_t accepts) const;
  // True where that made it stuck.
  bool failed(const FailedTry& failed_try);
  void ended(const SubmissionId& id);
  std::uint64_t stuck() const { return stuck_; }
  std::vector<SubmissionId> stuck_submissions(std::size_t limit) const;
  // Forgets those that should have been tried again more than an hour ago and weren't (an operator discarded them).
  // `sending_since`: when the lane could last begin to send.
  void forget_absent(MonotonicTime now, MonotonicTime sending_since);

 private:
  struct Failing {
    KindsOfFailure broken;
    std::uint64_t accepts_at_last = 0;
    unsigned inherited_tries = 0;  // of an earlier process
    unsigned lone_tries = 0;       // that failed while others succeeded
    std::optional<MonotonicTime> lone_since{};
    MonotonicTime due{};
    bool stuck = false;
  };
  std::map<SubmissionId, Failing> deliveries_;
  std::uint64_t stuck_ = 0;
};

}  // namespace relay
