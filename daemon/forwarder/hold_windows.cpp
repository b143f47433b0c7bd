#include "forwarder/hold_windows.hpp"

#include <algorithm>

#include "base/time_zone.hpp"

namespace relay {
namespace {

struct Span {
  WallTime begin;
  WallTime end;
};

// The one that begins on that day.
Span span_of(const HoldWindowSettings& window, CalendarDay day) {
  const CalendarDay last{window.to <= window.from ? day.number + 1 : day.number};
  return {moment_there(window.time_zone, day, window.from, WhenShownTwice::earlier),
          moment_there(window.time_zone, last, window.to, WhenShownTwice::later)};
}

template <class Visit>
void each_span(const std::vector<HoldWindowSettings>& windows, WallTime now, int first_day, int last_day, Visit visit) {
  for (const HoldWindowSettings& window : windows) {
    const CalendarDay today = day_there(window.time_zone, now);
    for (int offset = first_day; offset <= last_day; ++offset) {
      const CalendarDay day{today.number + offset};
      if (window.days.contains(day.weekday())) visit(span_of(window, day));
    }
  }
}

}  // namespace

std::optional<WallTime> held_until(const std::vector<HoldWindowSettings>& windows, WallTime now) {
  std::optional<WallTime> until;
  // One that began yesterday may go over midnight.
  each_span(windows, now, -1, 0, [&](const Span& span) {
    if (span.begin <= now && now < span.end && (!until || span.end > *until)) until = span.end;
  });
  return until;
}

std::optional<WallTime> next_hold(const std::vector<HoldWindowSettings>& windows, WallTime now) {
  std::optional<WallTime> next;
  each_span(windows, now, 0, 8, [&](const Span& span) {
    if (span.begin > now && (!next || span.begin < *next)) next = span.begin;
  });
  return next;
}

}  // namespace relay
