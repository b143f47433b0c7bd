#include "base/clock.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <limits>

namespace relay {
namespace {

using std::chrono::days;
using std::chrono::milliseconds;

class SystemClock final : public Clock {
 public:
  WallTime wall_now() const override { return std::chrono::floor<milliseconds>(std::chrono::system_clock::now()); }
  MonotonicTime monotonic_now() const override { return std::chrono::steady_clock::now(); }
};

constexpr std::array<std::string_view, 7> day_names = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> long_day_names = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                            "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> month_names = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// A calendar moment as read from text; whole() checks that it exists.
struct Moment {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;  // 60 is a leap second: the first of the next minute to us, since Unix time has none

  std::optional<WallTime> whole() const {
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
    if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
    return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
           std::chrono::seconds(second) + milliseconds(0);
  }
};

// Reads a text from its front; the first thing that doesn't fit makes it bad for good.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  int digits(std::size_t count) {
    if (rest_.size() < count) return bad();
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9') return bad();
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(count);
    return value;
  }
  void literal(std::string_view text) {
    if (rest_.starts_with(text)) {
      rest_.remove_prefix(text.size());
    } else {
      bad();
    }
  }
  bool take(char wanted) {
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }
  template <std::size_t N>
  int one_of(const std::array<std::string_view, N>& names) {
    for (std::size_t i = 0; i < N; ++i) {
      if (!rest_.starts_with(names[i])) continue;
      rest_.remove_prefix(names[i].size());
      return static_cast<int>(i);
    }
    return bad();
  }
  char next() {
    if (rest_.empty()) return static_cast<char>(bad());
    const char front = rest_.front();
    rest_.remove_prefix(1);
    return front;
  }
  bool next_is_digit() const { return !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; }
  bool finished() const { return good_ && rest_.empty(); }
  bool good() const { return good_; }

 private:
  int bad() {
    good_ = false;
    rest_ = {};
    return 0;
  }
  std::string_view rest_;
  bool good_ = true;
};

void read_time_of_day(Reader& reader, Moment& moment) {
  moment.hour = reader.digits(2);
  reader.literal(":");
  moment.minute = reader.digits(2);
  reader.literal(":");
  moment.second = reader.digits(2);
}

// Sun, 06 Nov 1994 08:49:37 GMT
std::optional<WallTime> parse_imf_fixdate(std::string_view text) {
  Reader reader(text);
  Moment moment;
  reader.one_of(day_names);
  reader.literal(", ");
  moment.day = static_cast<unsigned>(reader.digits(2));
  reader.literal(" ");
  moment.month = static_cast<unsigned>(reader.one_of(month_names)) + 1;
  reader.literal(" ");
  moment.year = reader.digits(4);
  reader.literal(" ");
  read_time_of_day(reader, moment);
  reader.literal(" GMT");
  return reader.finished() ? moment.whole() : std::nullopt;
}

// Sunday, 06-Nov-94 08:49:37 GMT (obsolete, but to be read). HTTP is younger than 1970.
std::optional<WallTime> parse_rfc850_date(std::string_view text) {
  Reader reader(text);
  Moment moment;
  reader.one_of(long_day_names);
  reader.literal(", ");
  moment.day = static_cast<unsigned>(reader.digits(2));
  reader.literal("-");
  moment.month = static_cast<unsigned>(reader.one_of(month_names)) + 1;
  reader.literal("-");
  const int short_year = reader.digits(2);
  moment.year = short_year + (short_year < 70 ? 2000 : 1900);
  reader.literal(" ");
  read_time_of_day(reader, moment);
  reader.literal(" GMT");
  return reader.finished() ? moment.whole() : std::nullopt;
}

// Sun Nov  6 08:49:37 1994 (obsolete, but to be read)
std::optional<WallTime> parse_asctime_date(std::string_view text) {
  Reader reader(text);
  Moment moment;
  reader.one_of(day_names);
  reader.literal(" ");
  moment.month = static_cast<unsigned>(reader.one_of(month_names)) + 1;
  reader.literal(" ");
  moment.day = static_cast<unsigned>(reader.take(' ') ? reader.digits(1) : reader.digits(2));
  reader.literal(" ");
  read_time_of_day(reader, moment);
  reader.literal(" ");
  moment.year = reader.digits(4);
  return reader.finished() ? moment.whole() : std::nullopt;
}

struct Calendar {
  std::chrono::year_month_day date;
  std::chrono::hh_mm_ss<milliseconds> time;
  unsigned weekday;

  explicit Calendar(WallTime moment)
      : date(std::chrono::floor<days>(moment)),
        time(moment - std::chrono::floor<days>(moment)),
        weekday(std::chrono::weekday(std::chrono::floor<days>(moment)).c_encoding()) {}
  int year() const { return static_cast<int>(date.year()); }
  unsigned month() const { return static_cast<unsigned>(date.month()); }
  unsigned day() const { return static_cast<unsigned>(date.day()); }
};

// Every answer has two times in it: written so, they take a tenth of what a format string takes.
void append_digits(std::string& text, std::int64_t number, std::size_t width) {
  if (width == 2 && number >= 0 && number < 100) {
    const std::array<char, 2> pair = {static_cast<char>('0' + number / 10), static_cast<char>('0' + number % 10)};
    text.append(pair.data(), pair.size());
    return;
  }
  const fmt::format_int digits(number);
  if (digits.size() < width) text.append(width - digits.size(), '0');
  text.append(digits.data(), digits.size());
}

void append_time_of_day(std::string& text, const std::chrono::hh_mm_ss<milliseconds>& time) {
  append_digits(text, time.hours().count(), 2);
  text += ':';
  append_digits(text, time.minutes().count(), 2);
  text += ':';
  append_digits(text, time.seconds().count(), 2);
}

struct DurationUnit {
  std::string_view name;
  std::int64_t milliseconds;
};
// Largest first, the order in which format_duration looks.
constexpr std::array<DurationUnit, 6> duration_units = {
    {{"y", 365LL * 24 * 3'600'000}, {"d", 24LL * 3'600'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

std::string format_rfc3339(WallTime time) {
  const Calendar at(time);
  std::string text;
  text.reserve(24);
  append_digits(text, at.year(), 4);
  text += '-';
  append_digits(text, at.month(), 2);
  text += '-';
  append_digits(text, at.day(), 2);
  text += 'T';
  append_time_of_day(text, at.time);
  text += '.';
  append_digits(text, at.time.subseconds().count(), 3);
  text += 'Z';
  return text;
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  Reader reader(text);
  Moment moment;
  moment.year = reader.digits(4);
  reader.literal("-");
  moment.month = static_cast<unsigned>(reader.digits(2));
  reader.literal("-");
  moment.day = static_cast<unsigned>(reader.digits(2));
  const char separator = reader.next();
  if (separator != 'T' && separator != 't') return std::nullopt;
  read_time_of_day(reader, moment);

  milliseconds fraction{0};
  if (reader.take('.')) {
    int digits = 0;
    for (int weight = 100; reader.next_is_digit(); weight /= 10, ++digits)
      fraction += milliseconds(reader.digits(1) * weight);
    if (digits < 1 || digits > 9) return std::nullopt;
  }

  std::chrono::minutes offset{0};
  const char zone = reader.next();
  if (zone == '+' || zone == '-') {
    const int hours = reader.digits(2);
    reader.literal(":");
    const int minutes = reader.digits(2);
    if (hours > 23 || minutes > 59) return std::nullopt;
    offset = std::chrono::hours(hours) + std::chrono::minutes(minutes);
    if (zone == '-') offset = -offset;
  } else if (zone != 'Z' && zone != 'z') {
    return std::nullopt;
  }
  if (!reader.finished()) return std::nullopt;
  const auto whole = moment.whole();
  if (!whole) return std::nullopt;
  return *whole + fraction - offset;
}

std::string format_http_date(WallTime time) {
  const Calendar at(time);
  std::string text;
  text.reserve(29);
  text.append(day_names[at.weekday]).append(", ");
  append_digits(text, at.day(), 2);
  text.append(" ").append(month_names[at.month() - 1]).append(" ");
  append_digits(text, at.year(), 4);
  text += ' ';
  append_time_of_day(text, at.time);
  text += " GMT";
  return text;
}

std::optional<WallTime> parse_http_date(std::string_view text) {
  if (const auto time = parse_imf_fixdate(text)) return time;
  if (const auto time = parse_rfc850_date(text)) return time;
  return parse_asctime_date(text);
}

std::optional<milliseconds> parse_duration(std::string_view text) {
  constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
  std::int64_t number = 0;
  std::size_t digits = 0;
  for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
    const int digit = text[digits] - '0';
    if (number > (largest - digit) / 10) return std::nullopt;
    number = number * 10 + digit;
  }
  if (digits == 0) return std::nullopt;
  for (const auto& unit : duration_units) {
    if (text.substr(digits) != unit.name) continue;
    if (number > largest / unit.milliseconds) return std::nullopt;
    return milliseconds(number * unit.milliseconds);
  }
  return std::nullopt;
}

std::string format_duration(milliseconds duration) {
  const auto count = duration.count();
  if (count == 0) return "0s";
  for (const auto& unit : duration_units) {
    if (count % unit.milliseconds == 0) return fmt::format("{}{}", count / unit.milliseconds, unit.name);
  }
  return fmt::format("{}ms", count);
}

}  // namespace relay
