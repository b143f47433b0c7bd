// Waiting in tests: for a condition where there is one, for time to pass only where nothing must happen meanwhile.
#pragma once

#include <chrono>
#include <thread>

namespace relay {

// True as soon as `holds()`; false after half a minute. `between` runs after each look that failed.
template <class Condition, class Between>
bool await_condition(Condition& holds, Between between) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    between();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

// For a test that something does not happen: there is nothing to wait for.
inline void let_time_pass(std::chrono::milliseconds duration) {
  std::this_thread::sleep_for(duration);
}

}  // namespace relay
