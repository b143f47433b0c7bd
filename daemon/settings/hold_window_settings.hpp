// hold_windows of a destination: times of the week in which nothing is sent to it.
#pragma once

#include <chrono>
#include <set>
#include <string>

namespace relay {

struct HoldWindowSettings {
  std::set<unsigned> days;      // on which it begins; 1 Monday … 7 Sunday
  std::chrono::minutes from{};  // since midnight, by the clock on the wall there
  std::chrono::minutes to{};    // at or before `from`: on the day after
  std::string time_zone;        // IANA
};

}  // namespace relay
