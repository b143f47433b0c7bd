// Moment: one instant on both clocks. What is remembered in the journal and shown to people is wall time; what the lane
// waits for by itself is monotonic.
#pragma once

#include "base/clock.hpp"

namespace relay {

struct Moment {
  WallTime wall{};
  MonotonicTime monotonic{};
};

inline Moment moment_of(const Clock& clock) {
  return {clock.wall_now(), clock.monotonic_now()};
}

}  // namespace relay
