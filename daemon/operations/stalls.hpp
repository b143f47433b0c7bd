// When a thread that completes no turn of its loop is a failure, and when the service manager is to start the relay
// anew (design, "Lane"). Two answers for a thread that waits for the disk: a slow disk is no reason for a restart loop,
// which would find the same disk. A share that hangs is none at all, and the other ways in are open all the while: it
// makes health degraded.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

#include "base/thread_progress.hpp"

namespace relay {

// An idle thread's turn takes up to five seconds (Lane::longest_wait); people must hear of a stall within thirty.
inline constexpr std::chrono::seconds shortest_stall{10};
inline constexpr std::chrono::seconds longest_stall{20};
inline constexpr std::chrono::seconds disk_write_that_fails{30};
inline constexpr std::chrono::minutes disk_write_that_ends_it{5};

// A third of the watchdog's time, within those bounds.
inline std::chrono::milliseconds stall_limit(std::optional<std::chrono::microseconds> watchdog_time) {
  if (!watchdog_time) return longest_stall;
  return std::clamp<std::chrono::milliseconds>(
      std::chrono::duration_cast<std::chrono::milliseconds>(*watchdog_time / 3), shortest_stall, longest_stall);
}

// Submissions can't be promised anything while one of these hangs.
inline bool makes_health_fail(const StalledThread& thread) {
  if (thread.in_foreign_files) return false;
  return !thread.in_disk_write || *thread.in_disk_write >= disk_write_that_fails;
}

inline bool stops_the_watchdog(const StalledThread& thread) {
  if (thread.in_foreign_files) return false;
  return !thread.in_disk_write || *thread.in_disk_write >= disk_write_that_ends_it;
}

}  // namespace relay
