#include "base/clock.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

using std::chrono::milliseconds;

WallTime at(long long unix_milliseconds) {
  return WallTime(milliseconds(unix_milliseconds));
}

// 2026-11-24T18:00:00Z
constexpr long long evening = 1'795'543'200'000;

TEST(Rfc3339, IsWrittenInUtcWithMilliseconds) {
  EXPECT_EQ(format_rfc3339(at(evening + 123)), "2026-11-24T18:00:00.123Z");
  EXPECT_EQ(format_rfc3339(at(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_rfc3339(at(-1)), "1969-12-31T23:59:59.999Z");
}

TEST(Rfc3339, ReadsWhatItWrites) {
  for (const long long moment : {0LL, 1LL, evening, evening + 999, 951'782'400'000LL /* 2000-02-29 */}) {
    EXPECT_EQ(parse_rfc3339(format_rfc3339(at(moment))), at(moment));
  }
}

TEST(Rfc3339, TakesOffsets) {
  EXPECT_EQ(parse_rfc3339("2026-11-24T13:00:00-05:00"), at(evening));
  EXPECT_EQ(parse_rfc3339("2026-11-24T23:30:00+05:30"), at(evening));
  EXPECT_EQ(parse_rfc3339("2026-11-25T00:00:00+06:00"), at(evening));
  EXPECT_EQ(parse_rfc3339("2026-11-24T18:00:00-00:00"), at(evening));
  EXPECT_EQ(parse_rfc3339("2026-11-24t18:00:00z"), at(evening));
}

TEST(Rfc3339, CutsFractionsToMilliseconds) {
  EXPECT_EQ(parse_rfc3339("2026-11-24T18:00:00.5Z"), at(evening + 500));
  EXPECT_EQ(parse_rfc3339("2026-11-24T18:00:00.1239999Z"), at(evening + 123));
  EXPECT_EQ(parse_rfc3339("2026-11-24T18:00:00.123456789Z"), at(evening + 123));
}

TEST(Rfc3339, ALeapSecondIsTheNextMinute) {
  EXPECT_EQ(parse_rfc3339("2016-12-31T23:59:60Z"), parse_rfc3339("2017-01-01T00:00:00Z"));
}

TEST(Rfc3339, TakesNothingElse) {
  for (const char* text : {"",
                           "2026-11-24",
                           "2026-11-24T18:00:00",
                           "2026-11-24 18:00:00Z",
                           "2026-11-24T18:00Z",
                           "2026-13-24T18:00:00Z",
                           "2026-02-29T18:00:00Z",
                           "2026-11-31T18:00:00Z",
                           "2026-11-24T24:00:00Z",
                           "2026-11-24T18:60:00Z",
                           "2026-11-24T18:00:61Z",
                           "2026-11-24T18:00:00.Z",
                           "2026-11-24T18:00:00.1234567890Z",
                           "2026-11-24T18:00:00+5:00",
                           "2026-11-24T18:00:00+0500",
                           "2026-11-24T18:00:00+24:00",
                           "2026-11-24T18:00:00+05:60",
                           "2026-11-24T18:00:00ZZ",
                           " 2026-11-24T18:00:00Z",
                           "20261124T180000Z",
                           "+026-11-24T18:00:00Z",
                           "2026-11-24T18:00:00.123"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

TEST(HttpDate, IsWrittenAsImfFixdate) {
  EXPECT_EQ(format_http_date(at(evening + 999)), "Tue, 24 Nov 2026 18:00:00 GMT");
  EXPECT_EQ(format_http_date(at(784'111'777'000)), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(HttpDate, ReadsAllThreeFormsOfRfc9110) {
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), at(784'111'777'000));
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), at(784'111'777'000));
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), at(784'111'777'000));
  EXPECT_EQ(parse_http_date("Sun Nov 13 08:49:37 1994"), at(784'716'577'000));
  EXPECT_EQ(parse_http_date("Tuesday, 24-Nov-26 18:00:00 GMT"), at(evening));
}

TEST(HttpDate, TakesNothingElse) {
  for (const char* text : {"", "0", "120", "Sun, 06 Nov 1994 08:49:37", "Sun, 6 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 31 Feb 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 25:49:37 GMT", "2026-11-24T18:00:00Z", "sun, 06 nov 1994 08:49:37 gmt"}) {
    EXPECT_FALSE(parse_http_date(text)) << text;
  }
}

TEST(Duration, TakesEveryUnitOfTheConfiguration) {
  EXPECT_EQ(parse_duration("250ms"), milliseconds(250));
  EXPECT_EQ(parse_duration("30s"), milliseconds(30'000));
  EXPECT_EQ(parse_duration("5m"), milliseconds(300'000));
  EXPECT_EQ(parse_duration("12h"), milliseconds(43'200'000));
  EXPECT_EQ(parse_duration("7d"), milliseconds(604'800'000));
  EXPECT_EQ(parse_duration("2y"), milliseconds(2LL * 365 * 86'400'000));
  EXPECT_EQ(parse_duration("0s"), milliseconds(0));
}

TEST(Duration, TakesNothingElse) {
  for (const char* text : {"", "s", "5", "5 m", "-5s", "+5s", "1.5h", "5M", "5min", "1h30m", " 5s", "5s ", "0x5s",
                           "9223372036854775808ms", "9223372036854775807s", "99999999999999999999y"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
  EXPECT_EQ(parse_duration("9223372036854775807ms"), milliseconds(INT64_MAX));
}

TEST(Duration, IsWrittenInTheLargestUnitThatIsExact) {
  EXPECT_EQ(format_duration(milliseconds(0)), "0s");
  EXPECT_EQ(format_duration(milliseconds(250)), "250ms");
  EXPECT_EQ(format_duration(milliseconds(90'000)), "90s");
  EXPECT_EQ(format_duration(milliseconds(300'000)), "5m");
  EXPECT_EQ(format_duration(milliseconds(604'800'000)), "7d");
  EXPECT_EQ(format_duration(milliseconds(2LL * 365 * 86'400'000)), "2y");
}

TEST(SystemClock, BothClocksMove) {
  const auto before = system_clock().monotonic_now();
  EXPECT_GT(system_clock().wall_now(), at(1'700'000'000'000));
  EXPECT_GE(system_clock().monotonic_now(), before);
}

}  // namespace
}  // namespace relay
