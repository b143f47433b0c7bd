// Time zones by their IANA names, from the system's time zone database (package tzdata), daylight saving included.
#pragma once

#include <chrono>
#include <string>

#include "base/clock.hpp"

namespace relay {

bool is_time_zone(const std::string& name);

// A day of the calendar, counted from 1970-01-01.
struct CalendarDay {
  int number = 0;
  unsigned weekday() const;  // 1 Monday … 7 Sunday
};

// All throw std::runtime_error where there is no zone of that name.
CalendarDay day_there(const std::string& zone, WallTime at);
// When the clock on the wall there shows that time of that day (24 h: the next midnight). One that is shown twice, as
// clocks are set back, has an earlier and a later moment; one that is left out, as they are set forward, is the moment
// at which they are.
enum class WhenShownTwice { earlier, later };
WallTime moment_there(const std::string& zone, CalendarDay day, std::chrono::minutes time, WhenShownTwice which);

}  // namespace relay
