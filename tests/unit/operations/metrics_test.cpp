// The metrics' names, labels and text; that each series is there before anything happened.
#include "operations/metrics.hpp"

#include <map>
#include <regex>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "intake/problem.hpp"

namespace relay {
namespace {

HealthFacts fresh() {
  HealthFacts facts;
  facts.snapshot.emplace();
  facts.destinations = {{"reportstream"}};
  facts.journal.commit_seconds = {{0.001, 0.005, 0.1}, {0, 0, 0, 0}, 0};
  facts.journal.commit_batch_size = {{1, 8, 64}, {0, 0, 0, 0}, 0};
  return facts;
}

std::string text_of(const HealthFacts& facts) {
  return metrics_text(facts, assess_health(facts));
}

// {series: value} of every sample; fails on a line that is neither sample nor comment.
std::map<std::string, double> samples_of(const std::string& text) {
  static const std::regex sample(R"re(([a-z_]+(\{([a-z]+="[^"]*"(,[a-z]+="[^"]*")*)?\})?) ([-+0-9.eEInf]+))re");
  std::map<std::string, double> samples;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::smatch match;
    EXPECT_TRUE(std::regex_match(line, match, sample)) << line;
    if (match.empty()) continue;
    EXPECT_TRUE(samples.emplace(match[1], std::stod(match[5])).second) << "twice: " << line;
  }
  return samples;
}

TEST(Metrics, EverySeriesIsThereFromTheStartAtZero) {
  const auto samples = samples_of(text_of(fresh()));
  std::vector<std::string> expected = {
      "edge_relay_submissions_accepted_total{intake=\"http\"}",
      "edge_relay_submissions_accepted_total{intake=\"submit\"}",
      "edge_relay_repeats_absorbed_total{intake=\"http\"}",
      "edge_relay_repeats_absorbed_total{intake=\"submit\"}",
      "edge_relay_deliveries_accepted_total{destination=\"reportstream\"}",
      "edge_relay_deliveries_delivered_total{destination=\"reportstream\"}",
      "edge_relay_possible_repeats_total{destination=\"reportstream\"}",
      "edge_relay_oldest_queued_seconds{destination=\"reportstream\"}",
      "edge_relay_circuit_open{destination=\"reportstream\"}",
      "edge_relay_delivery_seconds_count{destination=\"reportstream\"}",
      "edge_relay_delivery_seconds_sum{destination=\"reportstream\"}",
      "edge_relay_commit_seconds_count",
      "edge_relay_commit_batch_size_count",
      "edge_relay_journal_bytes",
      "edge_relay_wal_bytes",
      "edge_relay_disk_free_bytes",
  };
  for (const char* outcome : {"accepted", "refused", "try_later", "broken", "unknown"}) {
    expected.push_back("edge_relay_attempts_total{destination=\"reportstream\",outcome=\"" + std::string(outcome) +
                       "\"}");
  }
  for (const char* state : {"queued", "delivered", "dead_letter", "discarded"}) {
    expected.push_back("edge_relay_deliveries{destination=\"reportstream\",state=\"" + std::string(state) + "\"}");
  }
  for (const std::string_view alarm : alarm_names) {
    expected.push_back("edge_relay_alarm{name=\"" + std::string(alarm) + "\"}");
  }
  for (const char* reason : {"no_route", "journal_full", "payload_too_large", "stopping", "idempotency_conflict"}) {
    expected.push_back("edge_relay_submissions_refused_total{intake=\"http\",reason=\"" + std::string(reason) + "\"}");
    expected.push_back("edge_relay_submissions_refused_total{intake=\"submit\",reason=\"" + std::string(reason) +
                       "\"}");
  }
  for (const auto& series : expected) {
    ASSERT_TRUE(samples.count(series)) << series;
    EXPECT_EQ(samples.at(series), 0) << series;
  }
  EXPECT_EQ(samples.at("edge_relay_build_info{version=\"" RELAY_VERSION "\"}"), 1);
}

TEST(Metrics, NamesFollowPrometheusRules) {
  std::istringstream lines(text_of(fresh()));
  std::set<std::string> names;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("# TYPE ")) continue;
    std::istringstream words(line);
    std::string hash, type_word, name, type;
    words >> hash >> type_word >> name >> type;
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_TRUE(name.starts_with("edge_relay_")) << name;
    EXPECT_EQ(name.ends_with("_total"), type == "counter") << name;
  }
  EXPECT_EQ(names.size(), 23U);
}

TEST(Metrics, TotalsComeFromTheSnapshot) {
  HealthFacts facts = fresh();
  facts.snapshot->accepted_by_intake[Intake::http] = 5'000'000'000;
  facts.snapshot->counters[{"submissions_refused", {"http", "no_route"}}] = 3;
  facts.snapshot->counters[{"repeats_absorbed", {"submit"}}] = 2;
  auto& totals = facts.snapshot->destinations["reportstream"];
  totals.accepted = 9;
  totals.delivered = 4;
  totals.queued = 5;
  totals.attempts[Outcome::broken] = 11;
  totals.possible_repeats = 1;
  facts.conditions["reportstream"].up = false;
  facts.now = *parse_rfc3339("2026-11-24T18:00:00Z");
  facts.conditions["reportstream"].circuit_since = facts.now - std::chrono::hours(1);
  const auto samples = samples_of(text_of(facts));
  EXPECT_EQ(samples.at("edge_relay_submissions_accepted_total{intake=\"http\"}"), 5e9);
  EXPECT_EQ(samples.at("edge_relay_submissions_refused_total{intake=\"http\",reason=\"no_route\"}"), 3);
  EXPECT_EQ(samples.at("edge_relay_repeats_absorbed_total{intake=\"submit\"}"), 2);
  EXPECT_EQ(samples.at("edge_relay_deliveries_accepted_total{destination=\"reportstream\"}"), 9);
  EXPECT_EQ(samples.at("edge_relay_deliveries{destination=\"reportstream\",state=\"queued\"}"), 5);
  EXPECT_EQ(samples.at("edge_relay_attempts_total{destination=\"reportstream\",outcome=\"broken\"}"), 11);
  EXPECT_EQ(samples.at("edge_relay_possible_repeats_total{destination=\"reportstream\"}"), 1);
  EXPECT_EQ(samples.at("edge_relay_circuit_open{destination=\"reportstream\"}"), 1);
  EXPECT_EQ(samples.at("edge_relay_alarm{name=\"destination_down\"}"), 1);
  EXPECT_EQ(samples.at("edge_relay_alarm{name=\"stuck\"}"), 0);
}

TEST(Metrics, HistogramsCumulate) {
  HealthFacts facts = fresh();
  facts.journal.commit_seconds = {{0.001, 0.005, 0.1}, {1, 2, 3, 4}, 12.5};
  const auto samples = samples_of(text_of(facts));
  EXPECT_EQ(samples.at("edge_relay_commit_seconds_bucket{le=\"0.001\"}"), 1);
  EXPECT_EQ(samples.at("edge_relay_commit_seconds_bucket{le=\"0.005\"}"), 3);
  EXPECT_EQ(samples.at("edge_relay_commit_seconds_bucket{le=\"0.1\"}"), 6);
  EXPECT_EQ(samples.at("edge_relay_commit_seconds_bucket{le=\"+Inf\"}"), 10);
  EXPECT_EQ(samples.at("edge_relay_commit_seconds_count"), 10);
  EXPECT_EQ(samples.at("edge_relay_commit_seconds_sum"), 12.5);
}

}  // namespace
}  // namespace relay
