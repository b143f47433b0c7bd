// Time as the relay knows it. Wall time is for people and records; durations inside the process are measured on the
// monotonic clock, so that a stepped wall clock neither hurries nor delays anything.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace relay {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;
using MonotonicTime = std::chrono::steady_clock::time_point;

// Thread-safe. Tests hand in their own.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime wall_now() const = 0;
  virtual MonotonicTime monotonic_now() const = 0;
};

// The machine's clocks; lives as long as the process.
const Clock& system_clock();

// RFC 3339 in UTC with milliseconds: 2026-11-24T18:00:00.123Z.
std::string format_rfc3339(WallTime time);
// Takes any offset and up to nine fractional digits (cut to milliseconds); nothing for anything else.
std::optional<WallTime> parse_rfc3339(std::string_view text);
// RFC 9110 IMF-fixdate: Tue, 24 Nov 2026 18:00:00 GMT.
std::string format_http_date(WallTime time);
std::optional<WallTime> parse_http_date(std::string_view text);

// "250ms 30s 5m 12h 7d 2y" (a year is 365 days); nothing for anything else, for a negative number or an overflow.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
// The shortest exact spelling of those: 90s, 5m, 250ms.
std::string format_duration(std::chrono::milliseconds duration);

}  // namespace relay
