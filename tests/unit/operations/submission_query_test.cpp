// ?state=&destination=&client=&since=&limit=&cursor=: a filter that can't be read is refused, never left out.
#include "operations/submission_query.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

const WallTime now = *parse_rfc3339("2026-11-24T18:00:00Z");

Result<SubmissionQuery, RequestProblem> parse(const std::string& query) {
  HttpRequestHead head;
  head.method = "GET";
  head.path = "/v1/submissions";
  head.query = query;
  head.target = head.path + "?" + query;
  return parse_submission_query(head, now);
}

TEST(SubmissionQuery, ReadsEveryParameter) {
  const auto query = parse("state=dead_letter&destination=rep%20x&client=lab.a&since=30m&limit=1000&cursor=abc");
  ASSERT_TRUE(query.ok());
  EXPECT_EQ(query->state, SubmissionState::dead_letter);
  EXPECT_EQ(query->destination, "rep x");
  EXPECT_EQ(query->client, "lab.a");
  EXPECT_EQ(query->since, now - std::chrono::minutes(30));
  EXPECT_EQ(query->limit, 1000U);
  EXPECT_EQ(query->cursor, "abc");
}

TEST(SubmissionQuery, NothingAskedMeansTheNewestHundred) {
  const auto query = parse("");
  ASSERT_TRUE(query.ok());
  EXPECT_FALSE(query->state || query->destination || query->client || query->since || query->cursor);
  EXPECT_EQ(query->limit, 100U);
}

TEST(SubmissionQuery, EmptyValuesAreNotAsked) {
  EXPECT_TRUE(parse("state=&destination=&client=&since=&limit=&cursor=").ok());
}

TEST(SubmissionQuery, GivesTheLargestPageToWhoAsksForMore) {
  EXPECT_EQ(parse("limit=1001")->limit, 1000U);
  EXPECT_EQ(parse("limit=99999")->limit, 1000U);
}

TEST(SubmissionQuery, RefusesWhatCantBeRead) {
  for (const char* query :
       {"state=lost", "limit=0", "limit=-1", "limit=1x", "limit=99999999999999999999", "since=yesterday",
        "since=2026-13-01T00:00:00Z", "client=no%20client", "destinaton=x", "limit=1&limit=2", "client=%zz"}) {
    const auto parsed = parse(query);
    ASSERT_FALSE(parsed.ok()) << query;
    EXPECT_EQ(parsed.error().name, ProblemName::malformed_request) << query;
    EXPECT_FALSE(parsed.error().detail.empty());
  }
}

TEST(SubmissionQuery, TakesTimesWithAnOffsetWhosePlusWasNotEncoded) {
  for (const char* since : {"since=2026-11-24T19:00:00%2B01:00", "since=2026-11-24T19:00:00+01:00"}) {
    const auto query = parse(since);
    ASSERT_TRUE(query.ok()) << since;
    EXPECT_EQ(query->since, now) << since;
  }
}

TEST(TimeOrAge, AnAgeBeforeAllTimeIsTheBeginning) {
  EXPECT_EQ(parse_time_or_age("290y", now), WallTime{});
}

}  // namespace
}  // namespace relay
