// Hold windows by the clocks of their zones: over midnight, and in both weeks in which clocks are changed.
#include "forwarder/hold_windows.hpp"

#include <gtest/gtest.h>

#include "settings/settings.hpp"

namespace relay {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

const HoldWindowSettings reportstream{{1, 2, 3, 4, 5}, hours(9) + minutes(30), hours(11), "America/New_York"};

WallTime utc(const char* text) {
  const auto time = parse_rfc3339(text);
  EXPECT_TRUE(time) << text;
  return time.value_or(WallTime{});
}

std::string held(const HoldWindowSettings& window, const char* now) {
  const auto until = held_until({window}, utc(now));
  return until ? format_rfc3339(*until) : "";
}

TEST(HoldWindows, HoldFromTheirBeginUpToTheirEnd) {
  // Winter: New York is five hours behind.
  EXPECT_EQ(held(reportstream, "2026-11-24T14:29:59.999Z"), "");
  EXPECT_EQ(held(reportstream, "2026-11-24T14:30:00Z"), "2026-11-24T16:00:00.000Z");
  EXPECT_EQ(held(reportstream, "2026-11-24T15:59:59.999Z"), "2026-11-24T16:00:00.000Z");
  EXPECT_EQ(held(reportstream, "2026-11-24T16:00:00Z"), "");
  EXPECT_EQ(held(reportstream, "2026-11-28T15:00:00Z"), "") << "a Saturday";
  // Summer: four.
  EXPECT_EQ(held(reportstream, "2026-07-07T13:30:00Z"), "2026-07-07T15:00:00.000Z");
  EXPECT_EQ(held(reportstream, "2026-07-07T15:30:00Z"), "");
}

TEST(HoldWindows, FollowTheClockInTheWeeksInWhichItIsChanged) {
  // On Sunday, the 8th of March 2026, and the 1st of November.
  EXPECT_EQ(held(reportstream, "2026-03-06T14:30:00Z"), "2026-03-06T16:00:00.000Z");
  EXPECT_EQ(held(reportstream, "2026-03-09T13:30:00Z"), "2026-03-09T15:00:00.000Z");
  EXPECT_EQ(held(reportstream, "2026-10-30T13:30:00Z"), "2026-10-30T15:00:00.000Z");
  EXPECT_EQ(held(reportstream, "2026-11-02T13:45:00Z"), "");
  EXPECT_EQ(held(reportstream, "2026-11-02T14:30:00Z"), "2026-11-02T16:00:00.000Z");
}

TEST(HoldWindows, GoOverMidnightIntoADayThatIsntNamed) {
  const HoldWindowSettings night{{5}, hours(22), hours(6), "Europe/Berlin"};
  EXPECT_EQ(held(night, "2026-01-16T20:59:00Z"), "");
  EXPECT_EQ(held(night, "2026-01-16T21:00:00Z"), "2026-01-17T05:00:00.000Z");
  EXPECT_EQ(held(night, "2026-01-17T04:59:00Z"), "2026-01-17T05:00:00.000Z") << "Saturday, but it began on Friday";
  EXPECT_EQ(held(night, "2026-01-16T04:00:00Z"), "") << "Friday, but Thursday isn't named";
  const HoldWindowSettings whole_day{{7}, minutes(0), hours(24), "Europe/Berlin"};
  EXPECT_EQ(held(whole_day, "2026-01-18T22:59:00Z"), "2026-01-18T23:00:00.000Z");
  EXPECT_EQ(held(whole_day, "2026-01-18T23:00:00Z"), "");
}

TEST(HoldWindows, CoverWhatIsShownTwiceAndEndWhereTheClockJumps) {
  // Berlin, the 25th of October 2026: 03:00 becomes 02:00 at 01:00Z. 02:15 is at 00:15Z and 01:15Z.
  const HoldWindowSettings twice{{7}, hours(2), hours(2) + minutes(30), "Europe/Berlin"};
  EXPECT_EQ(held(twice, "2026-10-25T00:00:00Z"), "2026-10-25T01:30:00.000Z");
  EXPECT_EQ(held(twice, "2026-10-25T00:45:00Z"), "2026-10-25T01:30:00.000Z");
  EXPECT_EQ(held(twice, "2026-10-25T01:30:00Z"), "");
  // The 29th of March: 02:00 becomes 03:00 at 01:00Z; 02:15 to 02:45 is never shown.
  EXPECT_EQ(held({{7}, hours(2) + minutes(15), hours(2) + minutes(45), "Europe/Berlin"}, "2026-03-29T01:00:00Z"), "");
  EXPECT_EQ(held({{7}, hours(1), hours(2) + minutes(30), "Europe/Berlin"}, "2026-03-29T00:59:00Z"),
            "2026-03-29T01:00:00.000Z");
  EXPECT_EQ(held({{6}, hours(22), hours(6), "Europe/Berlin"}, "2026-03-28T22:00:00Z"), "2026-03-29T04:00:00.000Z");
}

TEST(HoldWindows, OfSeveralTheLastEndCountsAndTheNextBeginIsKnown) {
  const HoldWindowSettings longer{{2}, hours(10), hours(12), "America/New_York"};
  EXPECT_EQ(held_until({reportstream, longer}, utc("2026-11-24T15:30:00Z")), utc("2026-11-24T17:00:00Z"));
  EXPECT_EQ(next_hold({reportstream}, utc("2026-11-27T16:00:00Z")), utc("2026-11-30T14:30:00Z"));
  EXPECT_EQ(next_hold({}, utc("2026-11-27T16:00:00Z")), std::nullopt);
  EXPECT_EQ(held_until({}, utc("2026-11-24T15:30:00Z")), std::nullopt);
}

}  // namespace
}  // namespace relay
