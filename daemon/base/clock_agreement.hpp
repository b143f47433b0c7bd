// How far this machine's clock may be from another's and still agree with it: as far as Azure lets a clock be off
// before it refuses a signature (learn.microsoft.com, "Authorize with Shared Key": 15 minutes).
#pragma once

#include <chrono>

namespace relay {

inline constexpr std::chrono::minutes clock_agreement{15};

}  // namespace relay
