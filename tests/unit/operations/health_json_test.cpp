// The JSON of /health and /v1/status, member by member.
#include "operations/health_json.hpp"

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

namespace relay {
namespace {

const WallTime now = *parse_rfc3339("2026-11-24T18:00:00Z");

Health sample() {
  HealthFacts facts;
  facts.now = now;
  facts.uptime = std::chrono::seconds(61);
  facts.snapshot.emplace();
  facts.snapshot->as_of = 7;
  DestinationTotals totals;
  totals.accepted = 10;
  totals.delivered = 6;
  totals.queued = 2;
  totals.dead_letter = 1;
  totals.discarded = 1;
  totals.oldest_queued_at = now - std::chrono::seconds(20);
  totals.last_delivered_at = now - std::chrono::seconds(1);
  facts.snapshot->destinations["reportstream"] = totals;
  facts.destinations = {{"reportstream"}};
  auto& condition = facts.conditions["reportstream"];
  condition.last_error = DeliveryError{ErrorKind::throttled, 429, "told to wait: 429", "REMOTE"};
  condition.stuck = 1;
  facts.journal.journal_bytes = {4096};
  facts.journal.disk_free = {8192};
  return assess_health(facts);
}

TEST(HealthJson, HasTheContractsMembers) {
  EXPECT_EQ(
      boost::json::serialize(health_json(sample(), {})),
      R"({"status":"degraded","summary":"Accepting submissions; 1 delivery is stuck for reportstream; 1 dead letter.",)"
      R"("version":")" RELAY_VERSION R"(","uptime_seconds":61,"as_of":7,)"
      R"("journal":{"queued":2,"dead_letter":1,"oldest_queued_seconds":20,"bytes":4096,"disk_free_bytes":8192},)"
      R"("destinations":{"reportstream":{"state":"up","queued":2,"last_success_at":"2026-11-24T17:59:59.000Z",)"
      R"("last_error":{"kind":"throttled","status":429,"message":"told to wait: 429"}}},)"
      R"("alarms":[{"name":"stuck","since":"2026-11-24T18:00:00.000Z","destination":"reportstream","count":1}]})");
}

TEST(HealthJson, RemoteTextIsForThoseWhoMaySeeIt) {
  EXPECT_EQ(boost::json::serialize(status_json(sample(), FlowRates(), {})).find("REMOTE"), std::string::npos);
  EXPECT_NE(boost::json::serialize(status_json(sample(), FlowRates(), {.remote_text = true})).find("REMOTE"),
            std::string::npos);
}

TEST(StatusJson, AddsTheTotalsOfEachDestination) {
  const auto body = status_json(sample(), FlowRates(), {});
  const auto& destination = body.at("destinations").at("reportstream").as_object();
  EXPECT_EQ(destination.at("accepted"), 10);
  EXPECT_EQ(destination.at("delivered"), 6);
  EXPECT_EQ(destination.at("queued"), 2);
  EXPECT_EQ(destination.at("dead_letter"), 1);
  EXPECT_EQ(destination.at("discarded"), 1);
  EXPECT_EQ(destination.at("oldest_queued_seconds"), 20);
  EXPECT_EQ(destination.at("stuck"), 1);
  EXPECT_EQ(body.at("as_of"), 7);
}

TEST(StatusJson, HasRatesOnceTheyAreKnown) {
  FlowRates rates;
  JournalSnapshot snapshot;
  snapshot.destinations["reportstream"].accepted = 10;
  const MonotonicTime start{};
  rates.look(start, snapshot);
  EXPECT_FALSE(status_json(sample(), rates, {})
                   .at("destinations")
                   .at("reportstream")
                   .as_object()
                   .contains("accepted_per_minute"));
  snapshot.destinations["reportstream"].accepted = 20;
  rates.look(start + std::chrono::seconds(30), snapshot);
  const auto body = status_json(sample(), rates, {});
  EXPECT_EQ(body.at("destinations").at("reportstream").at("accepted_per_minute"), 20);
  EXPECT_EQ(body.at("destinations").at("reportstream").at("delivered_per_minute"), 0);
}

TEST(FlowRates, LookBackOverAboutAMinute) {
  FlowRates rates;
  JournalSnapshot snapshot;
  auto& totals = snapshot.destinations["a"];
  const MonotonicTime start{};
  for (unsigned second = 0; second <= 300; second += 10) {
    // Nothing at first, 60 a minute in the end.
    totals.accepted += second <= 200 ? 0 : 10;
    rates.look(start + std::chrono::seconds(second), snapshot);
  }
  EXPECT_DOUBLE_EQ(rates.of("a")->accepted_per_minute, 60.0);
  EXPECT_DOUBLE_EQ(rates.of("a")->delivered_per_minute, 0.0);
  // What is sent again reaches the destination again, while the total of what is delivered falls and rises.
  totals.attempts[Outcome::accepted] += 30;
  rates.look(start + std::chrono::seconds(310), snapshot);
  EXPECT_DOUBLE_EQ(rates.of("a")->delivered_per_minute, 30.0);
  EXPECT_FALSE(rates.of("b").has_value());
}

}  // namespace
}  // namespace relay
