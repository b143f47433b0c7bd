// Health: every reason for degraded and failing, and nothing else, turns the light.
#include "operations/health.hpp"

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace relay {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const WallTime now = *parse_rfc3339("2026-11-24T18:00:00Z");

DestinationTotals delivered_totals() {
  DestinationTotals totals;
  totals.accepted = 5;
  totals.delivered = 5;
  return totals;
}

// Two destinations, everything well.
HealthFacts healthy() {
  HealthFacts facts;
  facts.now = now;
  facts.uptime = seconds(90);
  facts.snapshot.emplace();
  facts.snapshot->as_of = 42;
  facts.snapshot->destinations["archive"] = delivered_totals();
  facts.snapshot->destinations["reportstream"] = delivered_totals();
  facts.destinations = {{"archive"}, {"reportstream"}};
  facts.snapshot->destinations["archive"].last_delivered_at = now - seconds(3);
  facts.journal.journal_bytes = mebibytes(2);
  facts.journal.disk_free = gibibytes(7);
  return facts;
}

DestinationCondition down(ErrorKind kind, WallTime since) {
  DestinationCondition condition;
  condition.up = false;
  condition.circuit_error = DeliveryError{kind, std::nullopt, "in the relay's own words", "REMOTE"};
  condition.circuit_since = since;
  return condition;
}

void queue(HealthFacts& facts, const std::string& name, std::uint64_t count, WallTime oldest) {
  auto& totals = facts.snapshot->destinations[name];
  totals.accepted += count;
  totals.queued += count;
  totals.oldest_queued_at = oldest;
}

struct Case {
  const char* name;
  std::function<void(HealthFacts&)> change;
  HealthStatus status;
  std::vector<std::string> alarms;
  const char* in_summary;
};

void PrintTo(const Case& each, std::ostream* out) {
  *out << each.name;
}

class HealthTable : public testing::TestWithParam<Case> {};

TEST_P(HealthTable, StatusAlarmsAndSummaryFollowFromTheFacts) {
  HealthFacts facts = healthy();
  GetParam().change(facts);
  const Health health = assess_health(facts);
  EXPECT_EQ(health_status_name(health.status), health_status_name(GetParam().status)) << health.summary;
  EXPECT_EQ(health.accepting, GetParam().status != HealthStatus::failing);
  std::vector<std::string> alarms;
  for (const Alarm& alarm : health.alarms) alarms.push_back(alarm.name);
  EXPECT_EQ(alarms, GetParam().alarms);
  EXPECT_NE(health.summary.find(GetParam().in_summary), std::string::npos) << health.summary;
  EXPECT_EQ(health.summary.back(), '.');
  EXPECT_EQ(health.summary.find('\n'), std::string::npos);
  EXPECT_EQ(health.summary.find("REMOTE"), std::string::npos);
}

const Case cases[] = {
    {"Well", [](HealthFacts&) {}, HealthStatus::ok, {}, "nothing waits"},
    {"Backlog",
     [](HealthFacts& facts) { queue(facts, "archive", 3, now - seconds(30)); },
     HealthStatus::ok,
     {},
     "3 deliveries on the way, the oldest for 30 s"},
    {"DestinationDown",
     [](HealthFacts& facts) {
       facts.conditions["reportstream"] = down(ErrorKind::unreachable, now - minutes(2));
       queue(facts, "reportstream", 1, now - minutes(2));
     },
     HealthStatus::degraded,
     {},
     "reportstream is down (unreachable), 1 delivery waits"},
    {"DestinationDownForLong",
     [](HealthFacts& facts) { facts.conditions["reportstream"] = down(ErrorKind::gone, now - minutes(15)); },
     HealthStatus::degraded,
     {"destination_down"},
     "reportstream is down (gone)"},
    {"RefusingEverything",
     [](HealthFacts& facts) {
       facts.conditions["archive"] = down(ErrorKind::refused, now);
       facts.conditions["archive"].refusing_everything = true;
     },
     HealthStatus::degraded,
     {"refusing_everything"},
     "archive refuses everything"},
    {"ClockOff",
     [](HealthFacts& facts) { facts.conditions["archive"] = down(ErrorKind::clock, now); },
     HealthStatus::degraded,
     {"clock_off"},
     "archive is down (clock)"},
    {"ClockOffThoughEverythingIsTaken",
     [](HealthFacts& facts) {
       facts.conditions["archive"].clock_ahead_by = -minutes(20);
       facts.conditions["archive"].clock_off_since = now - minutes(1);
     },
     HealthStatus::degraded,
     {"clock_off"},
     "this machine's clock is 20 min behind archive's"},
    {"CertificatesThatEnd",
     [](HealthFacts& facts) {
       facts.expiring = {{"the certificate of admin", "", now - seconds(1)},
                         {"a client's certificate", "", now + minutes(90), "CN"},
                         {"its certificate", "archive", now + std::chrono::hours(48)}};
     },
     HealthStatus::degraded,
     {"certificate_expiring", "certificate_expiring"},
     "the certificate of admin has ended; a client's certificate ends in 90 min; its certificate ends in 2 d"},
    {"Stuck",
     [](HealthFacts& facts) { facts.conditions["archive"].stuck = 2; },
     HealthStatus::degraded,
     {"stuck"},
     "2 deliveries are stuck for archive"},
    {"DeadLetters",
     [](HealthFacts& facts) { facts.snapshot->destinations["archive"].dead_letter = 1; },
     HealthStatus::degraded,
     {},
     "1 dead letter"},
    {"OldestQueuedIsLate",
     [](HealthFacts& facts) { queue(facts, "archive", 1, now - minutes(15)); },
     HealthStatus::degraded,
     {"oldest_queued"},
     "the oldest delivery for archive is late"},
    {"AThreadThatHangs",
     [](HealthFacts& facts) {
       facts.stalled = {{"lane:archive", seconds(21), std::nullopt}};
     },
     HealthStatus::failing,
     {},
     "Can't accept submissions: the thread lane:archive has made no progress for 21 s"},
    {"AWriterThatWaitsForTheDisk",
     [](HealthFacts& facts) {
       facts.stalled = {{"writer", seconds(29), seconds(29)}};
     },
     HealthStatus::ok,
     {},
     "nothing waits"},
    {"AWriterThatWaitsForTheDiskForTooLong",
     [](HealthFacts& facts) {
       facts.stalled = {{"writer", seconds(31), seconds(30)}};
     },
     HealthStatus::failing,
     {},
     "the thread writer has made no progress"},
    {"AShareThatHangs",
     [](HealthFacts& facts) {
       facts.stalled = {{"folder-0", seconds(3600), std::nullopt, true}};
     },
     HealthStatus::degraded,
     {},
     "Accepting submissions; the folder of the thread folder-0 has not answered for 60 min."},
    {"AFolderThatCantBeUsed",
     [](HealthFacts& facts) { facts.door_troubles = {"folder /srv/out: can't open it"}; },
     HealthStatus::degraded,
     {},
     "Accepting submissions; folder /srv/out: can't open it."},
    {"NoLongerConfigured",
     [](HealthFacts& facts) { queue(facts, "old", 4, now - seconds(1)); },
     HealthStatus::degraded,
     {},
     "old is no longer configured, 4 deliveries wait"},
    {"NoLongerConfiguredAndEmpty",
     [](HealthFacts& facts) { facts.snapshot->destinations["old"] = delivered_totals(); },
     HealthStatus::ok,
     {},
     "nothing waits"},
    {"JournalFull",
     [](HealthFacts& facts) {
       facts.journal.refusing = AppendRefusal::journal_full;
       facts.journal.reason = "journal.max_size is reached";
     },
     HealthStatus::failing,
     {},
     "Can't accept submissions: journal.max_size is reached"},
    {"DiskLow",
     [](HealthFacts& facts) { facts.journal.refusing = AppendRefusal::disk_low; },
     HealthStatus::failing,
     {"disk_low"},
     "Can't accept submissions"},
    {"JournalFailing",
     [](HealthFacts& facts) { facts.journal.refusing = AppendRefusal::journal_failing; },
     HealthStatus::failing,
     {"journal_failing"},
     "Can't accept submissions"},
    {"CommitUnderWayForLong",
     [](HealthFacts& facts) { facts.journal.commit_under_way = seconds(31); },
     HealthStatus::failing,
     {"journal_failing"},
     "has not confirmed a write for 31 s"},
    {"CommitUnderWay",
     [](HealthFacts& facts) { facts.journal.commit_under_way = seconds(29); },
     HealthStatus::ok,
     {},
     "Accepting submissions"},
    {"JournalUnreadable",
     [](HealthFacts& facts) {
       facts.snapshot.reset();
       facts.snapshot_error = "disk I/O error";
     },
     HealthStatus::failing,
     {"journal_failing"},
     "the journal can't be read: disk I/O error"},
    {"Stopping", [](HealthFacts& facts) { facts.stopping = true; }, HealthStatus::failing, {}, "the relay is stopping"},
    {"Insecure",
     [](HealthFacts& facts) { facts.insecure_listeners = {"intake.http 0.0.0.0:8870"}; },
     HealthStatus::ok,
     {},
     "intake.http 0.0.0.0:8870 is insecure"},
};
INSTANTIATE_TEST_SUITE_P(All, HealthTable, testing::ValuesIn(cases),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(Health, ShowsEveryConfiguredDestinationBeforeAnyDelivery) {
  HealthFacts facts = healthy();
  facts.snapshot->destinations.clear();
  const Health health = assess_health(facts);
  ASSERT_EQ(health.destinations.size(), 2U);
  EXPECT_EQ(health.destinations.at("reportstream").state, DestinationState::up);
  EXPECT_EQ(health.destinations.at("reportstream").totals.queued, 0U);
}

TEST(Health, SumsDeliveriesAndTakesTheOldest) {
  HealthFacts facts = healthy();
  queue(facts, "archive", 2, now - seconds(10));
  queue(facts, "reportstream", 3, now - seconds(20));
  const Health health = assess_health(facts);
  EXPECT_EQ(health.as_of, 42U);
  EXPECT_EQ(health.queued, 5U);
  EXPECT_EQ(health.oldest_queued, seconds(20));
  EXPECT_EQ(health.destinations.at("archive").oldest_queued, seconds(10));
}

TEST(Health, SaysOfADownDestinationWhyItsCircuitIsOpen) {
  HealthFacts facts = healthy();
  facts.conditions["archive"] = down(ErrorKind::tls, now - seconds(1));
  facts.conditions["archive"].last_error = DeliveryError{ErrorKind::timeout, std::nullopt, "earlier", ""};
  const Health health = assess_health(facts);
  EXPECT_EQ(health.destinations.at("archive").state, DestinationState::down);
  EXPECT_EQ(health.destinations.at("archive").last_error->kind, ErrorKind::tls);
}

TEST(Health, ClockSetBackMakesNoNegativeAge) {
  HealthFacts facts = healthy();
  queue(facts, "archive", 1, now + minutes(5));
  EXPECT_EQ(assess_health(facts).oldest_queued, seconds(0));
}

}  // namespace
}  // namespace relay
