// When a stall is a failure and when the relay is to begin anew: a slow disk is given far longer than anything else.
#include "operations/stalls.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(Stalls, AThirdOfTheWatchdogsTimeWithinBounds) {
  EXPECT_EQ(stall_limit(std::nullopt), seconds(20));
  EXPECT_EQ(stall_limit(microseconds(seconds(60))), seconds(20));
  EXPECT_EQ(stall_limit(microseconds(seconds(45))), seconds(15));
  EXPECT_EQ(stall_limit(microseconds(seconds(3))), seconds(10)) << "an idle thread turns every five seconds";
  EXPECT_EQ(stall_limit(microseconds(minutes(10))), seconds(20)) << "people must hear of it within thirty";
}

TEST(Stalls, AnyThreadThatHangsEndsTheWatchdogAtOnceAndTheDiskAfterFiveMinutes) {
  const StalledThread hangs{"lane:archive", seconds(21), std::nullopt};
  EXPECT_TRUE(makes_health_fail(hangs));
  EXPECT_TRUE(stops_the_watchdog(hangs));
  const auto in_disk = [](milliseconds time) { return StalledThread{"writer", time, time}; };
  EXPECT_FALSE(makes_health_fail(in_disk(seconds(29))));
  EXPECT_TRUE(makes_health_fail(in_disk(seconds(30))));
  EXPECT_FALSE(stops_the_watchdog(in_disk(minutes(5) - seconds(1))));
  EXPECT_TRUE(stops_the_watchdog(in_disk(minutes(5))));
}

}  // namespace
}  // namespace relay
