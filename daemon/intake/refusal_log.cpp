#include "intake/refusal_log.hpp"

#include "base/log.hpp"

namespace relay {
namespace {

constexpr std::chrono::seconds between_lines{10};

}  // namespace

std::optional<unsigned long> RefusalLog::due(Intake intake, ProblemName reason) {
  const MonotonicTime now = clock_.monotonic_now();
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[{intake, reason}];
  ++entry.since_then;
  if (entry.last_line && now - *entry.last_line < between_lines) return std::nullopt;
  entry.last_line = now;
  return std::exchange(entry.since_then, 0UL);
}

void RefusalLog::note(Intake intake, ProblemName reason) {
  const auto count = due(intake, reason);
  if (!count) return;
  // A 5xx is ours to mend, the rest the sender's.
  const LogLevel level = problem_status(reason) >= 500 ? LogLevel::warning : LogLevel::info;
  log(level, "submissions refused",
      {{"intake", intake_name(intake)}, {"reason", problem_name(reason)}, {"count", *count}});
}

}  // namespace relay
