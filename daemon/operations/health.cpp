#include "operations/health.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "forwarder/lane_report.hpp"
#include "operations/human_text.hpp"
#include "operations/stalls.hpp"

namespace relay {
namespace {

std::chrono::seconds age_of(WallTime since, WallTime now) {
  return std::chrono::duration_cast<std::chrono::seconds>(std::max(now - since, std::chrono::milliseconds(0)));
}

// Why nothing can be accepted now, as the end of "can't accept submissions: …"; nothing where all is well.
std::optional<std::string> why_not_accepting(const HealthFacts& facts) {
  if (facts.stopping) return "the relay is stopping";
  if (facts.journal.refusing) {
    return facts.journal.reason.empty() ? "the journal refuses them" : facts.journal.reason;
  }
  if (facts.journal.commit_under_way && *facts.journal.commit_under_way >= commit_stall_limit) {
    const auto stalled = std::chrono::duration_cast<std::chrono::seconds>(*facts.journal.commit_under_way);
    return fmt::format("the disk has not confirmed a write for {}", human_duration(stalled));
  }
  const auto hanging = std::ranges::find_if(facts.stalled, makes_health_fail);
  if (hanging != facts.stalled.end()) {
    const auto stalled = std::chrono::duration_cast<std::chrono::seconds>(hanging->since_turn);
    return fmt::format("the thread {} has made no progress for {}", hanging->name, human_duration(stalled));
  }
  if (!facts.snapshot) {
    return facts.snapshot_error.empty() ? "the journal can't be read"
                                        : "the journal can't be read: " + facts.snapshot_error;
  }
  return std::nullopt;
}

DestinationHealth assess_destination(const DestinationTotals& totals, const DestinationCondition* condition,
                                     bool configured, WallTime now) {
  DestinationHealth health;
  health.totals = totals;
  health.last_success_at = totals.last_delivered_at;
  if (totals.queued > 0 && totals.oldest_queued_at) health.oldest_queued = age_of(*totals.oldest_queued_at, now);
  if (condition != nullptr) {
    health.last_error = condition->last_error;
    health.stuck = condition->stuck;
    health.stuck_submissions = condition->stuck_submissions;
    health.clock_ahead_by = condition->clock_ahead_by;
    health.clock_off_since = condition->clock_off_since;
    health.delivery_seconds = condition->delivery_seconds;
    if (!condition->up) {
      health.state = DestinationState::down;
      health.down_since = condition->circuit_since;
      if (condition->circuit_error) health.last_error = condition->circuit_error;
    }
  }
  if (health.delivery_seconds.bounds.empty()) {
    // No lane has spoken yet, or there is none any more: the series is there all the same.
    health.delivery_seconds.bounds = delivery_seconds_bounds();
    health.delivery_seconds.buckets.assign(health.delivery_seconds.bounds.size() + 1, 0);
  }
  if (totals.paused) health.state = DestinationState::paused;
  if (!configured) health.state = DestinationState::unconfigured;
  return health;
}

// The alarms of one destination. `alarm_after` is how long a condition that may pass by itself is given.
void raise_alarms_of(const std::string& name, const DestinationHealth& destination, bool refusing_everything,
                     std::chrono::milliseconds alarm_after, WallTime now, std::vector<Alarm>& alarms) {
  const auto raise = [&](std::string_view alarm, WallTime since, std::uint64_t count) {
    alarms.push_back({std::string(alarm), name, since, count});
  };
  const WallTime down_since = destination.down_since.value_or(now);
  if (destination.state == DestinationState::down) {
    if (now - down_since >= alarm_after) raise("destination_down", down_since, destination.totals.queued);
    if (refusing_everything) raise("refusing_everything", down_since, destination.totals.queued);
  }
  const bool refused_for_it = destination.state == DestinationState::down && destination.last_error &&
                              destination.last_error->kind == ErrorKind::clock;
  if (destination.clock_off_since || refused_for_it) {
    raise("clock_off", destination.clock_off_since.value_or(down_since), destination.totals.queued);
  }
  if (destination.stuck > 0) raise("stuck", now, destination.stuck);
  const auto& oldest = destination.totals.oldest_queued_at;
  if (destination.totals.queued > 0 && oldest && now - *oldest >= alarm_after) {
    raise("oldest_queued", *oldest + alarm_after, destination.totals.queued);
  }
}

void raise_alarms_of_confirmations(const JournalSnapshot& snapshot, WallTime now, std::vector<Alarm>& alarms) {
  for (const auto& [name, counts] : snapshot.confirmations) {
    if (counts.failed > 0)
      alarms.push_back({"confirmation_failed", name, counts.failed_since.value_or(now), counts.failed});
    if (counts.late > 0) alarms.push_back({"confirmation_late", name, counts.late_since.value_or(now), counts.late});
  }
}

void raise_alarms_of_journal(const HealthFacts& facts, std::vector<Alarm>& alarms) {
  const bool stalled = facts.journal.commit_under_way && *facts.journal.commit_under_way >= commit_stall_limit;
  if (facts.journal.refusing == AppendRefusal::disk_low) alarms.push_back({"disk_low", "", facts.now, 0});
  if (facts.journal.refusing == AppendRefusal::journal_failing || stalled || (!facts.snapshot && !facts.stopping)) {
    const WallTime since = stalled ? facts.now - *facts.journal.commit_under_way : facts.now;
    alarms.push_back({"journal_failing", "", since, 0});
  }
}

// One alarm for each destination, and one for the relay itself, however many certificates it is about.
void raise_alarms_of_certificates(const HealthFacts& facts, std::vector<Alarm>& alarms) {
  std::map<std::string, Alarm> raised;
  for (const ExpiringCertificate& each : facts.expiring) {
    const WallTime since = each.not_after - certificate_notice;
    Alarm& alarm =
        raised.try_emplace(each.destination, Alarm{"certificate_expiring", each.destination, since, 0}).first->second;
    alarm.since = std::min(alarm.since, since);
    ++alarm.count;
  }
  for (auto& [destination, alarm] : raised) alarms.push_back(std::move(alarm));
}

std::string clause_of(const ExpiringCertificate& certificate, WallTime now) {
  if (certificate.not_after <= now) return certificate.name + " has ended";
  const auto left = std::chrono::duration_cast<std::chrono::seconds>(certificate.not_after - now);
  return fmt::format("{} ends in {}", certificate.name, human_duration(left));
}

// What somebody wanted so, and may have forgotten.
std::vector<std::string> remarks_of(const Health& health) {
  std::vector<std::string> remarks;
  for (const auto& [name, destination] : health.destinations) {
    if (destination.state != DestinationState::paused) continue;
    remarks.push_back(
        fmt::format("{} is paused, {}", name, counted(destination.totals.queued, "delivery waits", "deliveries wait")));
  }
  return remarks;
}

// One clause for each thing that isn't as it should be, the gravest first.
std::vector<std::string> complaints_of(const Health& health, const HealthFacts& facts) {
  std::vector<std::string> complaints;
  for (const auto& [name, destination] : health.destinations) {
    const std::string waiting = counted(destination.totals.queued, "delivery waits", "deliveries wait");
    if (destination.state == DestinationState::down) {
      const std::string why =
          destination.last_error ? fmt::format(" ({})", error_kind_name(destination.last_error->kind)) : "";
      complaints.push_back(fmt::format("{} is down{}, {}", name, why, waiting));
    }
    if (destination.state == DestinationState::unconfigured && destination.totals.queued > 0) {
      complaints.push_back(fmt::format("{} is no longer configured, {}", name, waiting));
    }
    if (destination.stuck > 0) {
      complaints.push_back(
          fmt::format("{} for {}", counted(destination.stuck, "delivery is stuck", "deliveries are stuck"), name));
    }
  }
  for (const auto& [name, destination] : health.destinations) {
    if (!destination.clock_ahead_by) continue;
    const auto off = std::chrono::duration_cast<std::chrono::seconds>(*destination.clock_ahead_by);
    complaints.push_back(fmt::format("this machine's clock is {} {} {}'s", human_duration(std::chrono::abs(off)),
                                     off.count() > 0 ? "ahead of" : "behind", name));
  }
  complaints.insert(complaints.end(), facts.door_troubles.begin(), facts.door_troubles.end());
  for (const StalledThread& thread : facts.stalled) {
    if (!thread.in_foreign_files) continue;
    const auto waits = std::chrono::duration_cast<std::chrono::seconds>(thread.since_turn);
    complaints.push_back(
        fmt::format("the folder of the thread {} has not answered for {}", thread.name, human_duration(waits)));
  }
  if (health.dead_letter > 0) complaints.push_back(counted(health.dead_letter, "dead letter", "dead letters"));
  return complaints;
}

std::string summary_of(const Health& health, const std::optional<std::string>& refusal,
                       const std::vector<std::string>& complaints) {
  std::string sentence;
  if (refusal) {
    sentence = "Can't accept submissions: " + *refusal;
  } else {
    sentence = "Accepting submissions";
    if (complaints.empty()) {
      sentence += health.queued == 0 ? ", nothing waits"
                                     : fmt::format(", {} on the way, the oldest for {}",
                                                   counted(health.queued, "delivery", "deliveries"),
                                                   human_duration(health.oldest_queued));
    }
  }
  for (const auto& complaint : complaints) sentence += "; " + complaint;
  for (const auto& remark : remarks_of(health)) sentence += "; " + remark;
  for (const auto& alarm : health.alarms) {
    if (alarm.name == "oldest_queued") {
      sentence += fmt::format("; the oldest delivery for {} is late", alarm.destination);
    } else if (alarm.name == "refusing_everything") {
      sentence += fmt::format("; {} refuses everything", alarm.destination);
    } else if (alarm.name == "confirmation_failed") {
      sentence += fmt::format("; {} says of {} that it wasn't delivered", alarm.destination,
                              counted(alarm.count, "submission", "submissions"));
    } else if (alarm.name == "confirmation_late") {
      sentence += fmt::format("; {} hasn't confirmed {} within a day", alarm.destination,
                              counted(alarm.count, "submission", "submissions"));
    }
  }
  for (const auto& clause : health.expiring) sentence += "; " + clause;
  for (const auto& listener : health.insecure_listeners) sentence += fmt::format("; {} is insecure", listener);
  return sentence + ".";
}

}  // namespace

std::string_view health_status_name(HealthStatus status) {
  switch (status) {
    case HealthStatus::ok:
      return "ok";
    case HealthStatus::degraded:
      return "degraded";
    case HealthStatus::failing:
      return "failing";
  }
  return "failing";
}

std::string_view destination_state_name(DestinationState state) {
  switch (state) {
    case DestinationState::up:
      return "up";
    case DestinationState::down:
      return "down";
    case DestinationState::paused:
      return "paused";
    case DestinationState::holding:
      return "holding";
    case DestinationState::unconfigured:
      return "unconfigured";
  }
  return "unconfigured";
}

Health assess_health(const HealthFacts& facts) {
  Health health;
  health.uptime = facts.uptime;
  health.journal_bytes = facts.journal.journal_bytes;
  health.disk_free = facts.journal.disk_free;
  health.insecure_listeners = facts.insecure_listeners;

  std::map<std::string, DestinationTotals> totals;
  if (facts.snapshot) {
    health.as_of = facts.snapshot->as_of;
    totals = facts.snapshot->destinations;
  }
  std::map<std::string, std::chrono::milliseconds> alarm_after;
  for (const auto& configured : facts.destinations) {
    alarm_after[configured.name] = configured.alarm_after;
    totals.try_emplace(configured.name);
  }
  for (const auto& [name, of_destination] : totals) {
    const auto condition = facts.conditions.find(name);
    const auto configured = alarm_after.find(name);
    const bool is_configured = configured != alarm_after.end();
    const DestinationHealth destination = assess_destination(
        of_destination, condition == facts.conditions.end() ? nullptr : &condition->second, is_configured, facts.now);
    health.queued += of_destination.queued;
    health.dead_letter += of_destination.dead_letter;
    health.oldest_queued = std::max(health.oldest_queued, destination.oldest_queued);
    raise_alarms_of(name, destination, condition != facts.conditions.end() && condition->second.refusing_everything,
                    is_configured ? configured->second : ConfiguredDestination{}.alarm_after, facts.now, health.alarms);
    health.destinations.emplace(name, destination);
  }
  if (facts.snapshot) raise_alarms_of_confirmations(*facts.snapshot, facts.now, health.alarms);
  raise_alarms_of_journal(facts, health.alarms);
  raise_alarms_of_certificates(facts, health.alarms);
  for (const ExpiringCertificate& each : facts.expiring) health.expiring.push_back(clause_of(each, facts.now));

  const auto refusal = why_not_accepting(facts);
  const auto complaints = complaints_of(health, facts);
  health.accepting = !refusal;
  if (refusal) {
    health.status = HealthStatus::failing;
  } else if (!complaints.empty() || !health.alarms.empty()) {
    health.status = HealthStatus::degraded;
  }
  health.summary = summary_of(health, refusal, complaints);
  return health;
}

}  // namespace relay
