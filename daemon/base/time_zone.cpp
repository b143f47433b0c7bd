#include "base/time_zone.hpp"

#include <date/tz.h>

namespace relay {

bool is_time_zone(const std::string& name) {
  try {
    return date::locate_zone(name) != nullptr;
  } catch (const std::runtime_error&) {
    return false;
  }
}

unsigned CalendarDay::weekday() const {
  return date::weekday(date::local_days(date::days(number))).iso_encoding();
}

CalendarDay day_there(const std::string& zone, WallTime at) {
  const auto local = date::locate_zone(zone)->to_local(at);
  return {static_cast<int>(date::floor<date::days>(local).time_since_epoch().count())};
}

WallTime moment_there(const std::string& zone, CalendarDay day, std::chrono::minutes time, WhenShownTwice which) {
  const auto local = date::local_days(date::days(day.number)) + time;
  const auto choice = which == WhenShownTwice::earlier ? date::choose::earliest : date::choose::latest;
  return std::chrono::time_point_cast<std::chrono::milliseconds>(date::locate_zone(zone)->to_sys(local, choice));
}

}  // namespace relay
