// Refusals in the log: each reason at once, then at most one line in ten seconds that says how many there were, so that
// a sender who tries again and again fills no disk.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "base/clock.hpp"
#include "intake/problem.hpp"
#include "submission/submission.hpp"

namespace relay {

// Thread-safe.
class RefusalLog {
 public:
  explicit RefusalLog(const Clock& clock) : clock_(clock) {}

  // How many refusals a line written now stands for; nothing: write none now.
  std::optional<unsigned long> due(Intake intake, ProblemName reason);
  void note(Intake intake, ProblemName reason);

 private:
  struct Entry {
    std::optional<MonotonicTime> last_line{};
    unsigned long since_then = 0;
  };

  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::pair<Intake, ProblemName>, Entry> entries_;
};

}  // namespace relay
