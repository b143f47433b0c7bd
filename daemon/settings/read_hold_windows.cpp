#include <array>

#include "base/time_zone.hpp"
#include "settings/section_readers.hpp"

namespace relay {
namespace {

constexpr std::array<std::string_view, 7> day_names = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

// "09:30"; "24:00" is the end of the day. Nothing for anything else.
std::optional<std::chrono::minutes> parse_time_of_day(std::string_view text) {
  const auto digit = [&](std::size_t at) { return text[at] >= '0' && text[at] <= '9'; };
  if (text.size() != 5 || text[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4)) return std::nullopt;
  const int hours = (text[0] - '0') * 10 + (text[1] - '0');
  const int minutes = (text[3] - '0') * 10 + (text[4] - '0');
  if (minutes > 59 || hours > 24 || (hours == 24 && minutes > 0)) return std::nullopt;
  return std::chrono::hours(hours) + std::chrono::minutes(minutes);
}

// Nothing where it is missing or bad, which is said.
std::optional<std::chrono::minutes> read_time(const Section& section, std::string_view key) {
  const auto written = section.text(key);
  if (!written) {
    if (!section.has(key)) section.error(std::string(key) + " is missing");
    return std::nullopt;
  }
  const auto time = parse_time_of_day(written->value);
  if (!time) section.error(key, written->quoted() + " isn't a time of the day: write it in quotes, as \"09:30\"");
  return time;
}

void read_days(const Section& section, std::set<unsigned>& days) {
  const auto written = section.texts("days");
  if (!written) {
    if (!section.has("days")) days = {1, 2, 3, 4, 5, 6, 7};
    return;
  }
  if (section.items("days").empty()) section.error("days", "names no day; leave it out for every day");
  for (const Text& day : *written) {
    const auto found = std::ranges::find(day_names, day.value);
    if (found != day_names.end()) {
      days.insert(static_cast<unsigned>(found - day_names.begin()) + 1);
    } else {
      section.reading().problems.error(
          day.place, section.name("days") + ": " + day.quoted() + " isn't mon, tue, wed, thu, fri, sat or sun");
    }
  }
}

}  // namespace

std::vector<HoldWindowSettings> read_hold_windows(const Section& destination) {
  std::vector<HoldWindowSettings> windows;
  for (const auto& [name, node] : destination.items("hold_windows")) {
    const Reading& reading = destination.reading();
    const Section section(reading, node, name, keys::hold_window(), reading.document.place_of(node.Mark()));
    HoldWindowSettings window;
    read_days(section, window.days);
    const auto from = read_time(section, "from");
    const auto to = read_time(section, "to");
    window.from = from.value_or(window.from);
    window.to = to.value_or(window.to);
    if (from && to && *from == *to) section.error("to", "is the same time as `from`: nothing would be held");
    const auto zone = section.text("time_zone");
    if (!zone && !section.has("time_zone"))
      section.error("time_zone is missing: an IANA name such as America/New_York");
    if (zone && !is_time_zone(zone->value)) {
      section.error("time_zone", zone->quoted() +
                                     " isn't a time zone of this machine's database (package tzdata); "
                                     "write an IANA name such as America/New_York");
    }
    if (zone) window.time_zone = zone->value;
    windows.push_back(std::move(window));
  }
  return windows;
}

}  // namespace relay
