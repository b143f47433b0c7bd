#include "operations/metrics.hpp"

#include <algorithm>
#include <limits>
#include <sstream>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "intake/problem.hpp"

namespace relay {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

// Every door, so that its series are there before it is.
constexpr Intake doors[] = {Intake::http,  Intake::submit, Intake::mllp, Intake::folder, Intake::azure_storage_queue,
                            Intake::import};
constexpr Outcome outcomes[] = {Outcome::accepted, Outcome::refused, Outcome::try_later, Outcome::broken,
                                Outcome::unknown};

class Families {
 public:
  void begin(std::string_view name, std::string_view help, MetricType type) {
    families_.push_back({"edge_relay_" + std::string(name), std::string(help), type, {}});
  }
  void counter(Labels labels, std::uint64_t value) {
    add(std::move(labels)).counter.value = static_cast<double>(value);
  }
  void gauge(Labels labels, double value) { add(std::move(labels)).gauge.value = value; }
  void histogram(Labels labels, const Histogram& histogram) {
    auto& target = add(std::move(labels)).histogram;
    std::uint64_t cumulated = 0;
    for (std::size_t i = 0; i < histogram.bounds.size(); ++i) {
      if (i < histogram.buckets.size()) cumulated += histogram.buckets[i];
      target.bucket.push_back({cumulated, histogram.bounds[i]});
    }
    if (histogram.buckets.size() > histogram.bounds.size()) cumulated += histogram.buckets.back();
    target.bucket.push_back({cumulated, std::numeric_limits<double>::infinity()});
    target.sample_count = cumulated;
    target.sample_sum = histogram.sum;
  }
  std::string text() const {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, families_);
    return out.str();
  }

 private:
  ClientMetric& add(Labels labels) {
    auto& metric = families_.back().metric.emplace_back();
    metric.label = std::move(labels);
    return metric;
  }
  std::vector<MetricFamily> families_;
};

void add_intake(Families& families, const JournalSnapshot& snapshot) {
  families.begin("submissions_accepted_total", "Submissions taken into the journal, by intake.", MetricType::Counter);
  std::map<Intake, std::uint64_t> accepted = snapshot.accepted_by_intake;
  for (const Intake door : doors) accepted.try_emplace(door, 0);
  for (const auto& [intake, count] : accepted) families.counter({{"intake", std::string(intake_name(intake))}}, count);

  std::map<std::pair<std::string, std::string>, std::uint64_t> refused;
  std::map<std::string, std::uint64_t> repeats;
  // Of doors whose senders name their messages.
  const std::string naming_door(intake_name(Intake::mllp));
  std::map<std::string, std::uint64_t> repeats_accepted{{naming_door, 0}};
  std::map<std::string, std::uint64_t> names_reused{{naming_door, 0}};
  for (const Intake door : doors) {
    repeats[std::string(intake_name(door))] = 0;
    for (const ProblemName name : all_problem_names()) {
      refused[{std::string(intake_name(door)), std::string(problem_name(name))}] = 0;
    }
  }
  for (const auto& [counter, count] : snapshot.counters) {
    if (counter.name == "submissions_refused" && counter.labels.size() == 2) {
      refused[{counter.labels[0], counter.labels[1]}] = count;
    } else if (counter.name == "repeats_absorbed" && counter.labels.size() == 1) {
      repeats[counter.labels[0]] = count;
    } else if (counter.name == "repeats_accepted" && counter.labels.size() == 1) {
      repeats_accepted[counter.labels[0]] = count;
    } else if (counter.name == "message_names_reused" && counter.labels.size() == 1) {
      names_reused[counter.labels[0]] = count;
    }
  }
  families.begin("submissions_refused_total", "Submissions refused at the door, by intake and reason.",
                 MetricType::Counter);
  for (const auto& [labels, count] : refused) {
    families.counter({{"intake", labels.first}, {"reason", labels.second}}, count);
  }
  families.begin("repeats_absorbed_total", "Repeats of an earlier submission that made no second one, by intake.",
                 MetricType::Counter);
  for (const auto& [intake, count] : repeats) families.counter({{"intake", intake}}, count);
  families.begin("repeats_accepted_total", "Repeats that became submissions of their own, by intake.",
                 MetricType::Counter);
  for (const auto& [intake, count] : repeats_accepted) families.counter({{"intake", intake}}, count);
  families.begin("message_names_reused_total", "Messages under a control id that another message had, by intake.",
                 MetricType::Counter);
  for (const auto& [intake, count] : names_reused) families.counter({{"intake", intake}}, count);
}

void add_destinations(Families& families, const Health& health) {
  const auto of_each = [&](auto&& add) {
    for (const auto& [name, destination] : health.destinations) {
      add(ClientMetric::Label{"destination", name}, destination);
    }
  };
  families.begin("deliveries_accepted_total", "Deliveries taken on for a destination.", MetricType::Counter);
  of_each([&](const auto& label, const DestinationHealth& of) { families.counter({label}, of.totals.accepted); });

  // A counter never falls; what is sent again counts once. How many are delivered now is a state like the others.
  families.begin("deliveries_delivered_total",
                 "Deliveries that the destination took over, those included that an operator had sent again since.",
                 MetricType::Counter);
  of_each([&](const auto& label, const DestinationHealth& of) { families.counter({label}, of.totals.ever_delivered); });

  families.begin("deliveries_moved_in_total", "Deliveries redirected to this destination.", MetricType::Counter);
  of_each([&](const auto& label, const DestinationHealth& of) { families.counter({label}, of.totals.moved_in); });

  families.begin("deliveries_moved_out_total", "Deliveries redirected to another destination.", MetricType::Counter);
  of_each([&](const auto& label, const DestinationHealth& of) { families.counter({label}, of.totals.moved_out); });

  families.begin("attempts_total", "Tries to deliver, by outcome.", MetricType::Counter);
  of_each([&](const auto& label, const DestinationHealth& of) {
    for (const Outcome outcome : outcomes) {
      const auto found = of.totals.attempts.find(outcome);
      families.counter({label, {"outcome", std::string(outcome_name(outcome))}},
                       found == of.totals.attempts.end() ? 0 : found->second);
    }
  });

  families.begin("possible_repeats_total", "Deliveries sent again although an earlier try may have arrived.",
                 MetricType::Counter);
  of_each(
      [&](const auto& label, const DestinationHealth& of) { families.counter({label}, of.totals.possible_repeats); });

  families.begin("deliveries", "Deliveries by their state now.", MetricType::Gauge);
  of_each([&](const auto& label, const DestinationHealth& of) {
    const auto gauge = [&](DeliveryState state, std::uint64_t count) {
      families.gauge({label, {"state", std::string(delivery_state_name(state))}}, static_cast<double>(count));
    };
    gauge(DeliveryState::queued, of.totals.queued);
    gauge(DeliveryState::delivered, of.totals.delivered);
    gauge(DeliveryState::dead_letter, of.totals.dead_letter);
    gauge(DeliveryState::discarded, of.totals.discarded);
  });

  families.begin("oldest_queued_seconds", "How long the oldest queued delivery has been waiting; 0 where none waits.",
                 MetricType::Gauge);
  of_each([&](const auto& label, const DestinationHealth& of) {
    families.gauge({label}, static_cast<double>(of.oldest_queued.count()));
  });

  families.begin("circuit_open", "1 while the destination counts as down and is only probed.", MetricType::Gauge);
  of_each([&](const auto& label, const DestinationHealth& of) {
    families.gauge({label}, of.state == DestinationState::down ? 1 : 0);
  });

  families.begin("delivery_seconds", "From accepted to delivered.", MetricType::Histogram);
  of_each([&](const auto& label, const DestinationHealth& of) { families.histogram({label}, of.delivery_seconds); });
}

void add_journal(Families& families, const JournalCondition& journal) {
  families.begin("commit_seconds", "How long a commit of the journal took, its fsync included.", MetricType::Histogram);
  families.histogram({}, journal.commit_seconds);
  families.begin("commit_batch_size", "Commands that shared one commit.", MetricType::Histogram);
  families.histogram({}, journal.commit_batch_size);
  families.begin("journal_bytes", "Used pages of the journal.", MetricType::Gauge);
  families.gauge({}, static_cast<double>(journal.journal_bytes.value));
  families.begin("wal_bytes", "Size of the journal's write-ahead log.", MetricType::Gauge);
  families.gauge({}, static_cast<double>(journal.wal_bytes.value));
  families.begin("disk_free_bytes", "Free space on the journal's file system.", MetricType::Gauge);
  families.gauge({}, static_cast<double>(journal.disk_free.value));
}

void add_relay(Families& families, const Health& health) {
  families.begin("as_of", "The journal's commit number that these numbers are of.", MetricType::Gauge);
  families.gauge({}, static_cast<double>(health.as_of));
  families.begin("alarm", "1 while that alarm is raised.", MetricType::Gauge);
  for (const std::string_view name : alarm_names) {
    const bool raised =
        std::any_of(health.alarms.begin(), health.alarms.end(), [&](const Alarm& alarm) { return alarm.name == name; });
    families.gauge({{"name", std::string(name)}}, raised ? 1 : 0);
  }
  families.begin("build_info", "The version that is running; always 1.", MetricType::Gauge);
  families.gauge({{"version", RELAY_VERSION}}, 1);
}

}  // namespace

std::string metrics_text(const HealthFacts& facts, const Health& health) {
  Families families;
  add_intake(families, facts.snapshot.value());
  add_destinations(families, health);
  add_journal(families, facts.journal);
  add_relay(families, health);
  return families.text();
}

}  // namespace relay
