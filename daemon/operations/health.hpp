// Health: what the relay's numbers mean to a person, as a pure function of what the journal and the lanes say
// (contract, "Operator endpoint" and "Alarms"). It measures flow (what waits, since when, last success), not liveness
// alone.
//
// ok:       everything works.
// degraded: submissions are taken, but a destination is down or no longer configured while deliveries wait for it,
//           something is stuck, there are dead letters, a watched folder can't be used, or an alarm is raised.
// failing:  submissions can't be taken.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/thread_progress.hpp"
#include "journal/journal.hpp"
#include "operations/certificate_watch.hpp"

namespace relay {

// What the configuration says of a destination, as far as health asks.
struct ConfiguredDestination {
  std::string name;
  std::chrono::milliseconds alarm_after{std::chrono::minutes(15)};
};

struct HealthFacts {
  WallTime now{};
  std::chrono::seconds uptime{};
  bool stopping = false;
  // Nothing where the journal couldn't be read; `snapshot_error` then says why.
  std::optional<JournalSnapshot> snapshot{};
  std::string snapshot_error;
  JournalCondition journal;
  std::map<std::string, DestinationCondition> conditions;
  std::vector<ConfiguredDestination> destinations;
  std::vector<std::string> insecure_listeners;  // named until they are changed
  std::vector<std::string> door_troubles;       // why nothing comes in through some door: "folder /srv/out: …"
  std::vector<StalledThread> stalled;           // the longest first (stalls.hpp)
  std::vector<ExpiringCertificate> expiring;    // the first to end first
};

enum class HealthStatus { ok, degraded, failing };
std::string_view health_status_name(HealthStatus status);

// The alarms there are; their parts come one by one, the names are all here so that a rule can be written once.
inline constexpr std::string_view alarm_names[] = {
    "destination_down", "refusing_everything", "stuck",     "confirmation_failed",  "confirmation_late",
    "disk_low",         "journal_failing",     "clock_off", "certificate_expiring", "oldest_queued"};

struct Alarm {
  std::string name;
  std::string destination;  // empty: of the relay as a whole
  WallTime since{};
  std::uint64_t count = 0;  // deliveries concerned, or certificates
};

enum class DestinationState { up, down, paused, holding, unconfigured };
std::string_view destination_state_name(DestinationState state);

struct DestinationHealth {
  DestinationState state = DestinationState::up;
  DestinationTotals totals;
  std::chrono::seconds oldest_queued{0};  // 0 where nothing is queued
  std::optional<WallTime> last_success_at{};
  std::optional<DeliveryError> last_error{};  // of an open circuit: why it is open
  std::optional<WallTime> down_since{};
  std::uint64_t stuck = 0;
  std::vector<SubmissionId> stuck_submissions{};              // the first of them
  std::optional<std::chrono::milliseconds> clock_ahead_by{};  // where its Date and this machine's clock don't agree
  std::optional<WallTime> clock_off_since{};
  Histogram delivery_seconds;
};

struct Health {
  HealthStatus status = HealthStatus::ok;
  std::string summary;  // one sentence
  bool accepting = true;
  std::chrono::seconds uptime{};
  CommitNumber as_of = 0;
  std::uint64_t queued = 0;  // deliveries
  std::uint64_t dead_letter = 0;
  std::chrono::seconds oldest_queued{0};
  ByteCount journal_bytes;
  ByteCount disk_free;
  std::map<std::string, DestinationHealth> destinations;
  std::vector<Alarm> alarms;  // `since` as far as one look can tell; AlarmBoard knows better
  std::vector<std::string> insecure_listeners;
  std::vector<std::string> expiring;  // a clause for each certificate that ends soon
};

// A writer that has been inside one commit for that long can't promise anything any more.
inline constexpr std::chrono::seconds commit_stall_limit{30};

Health assess_health(const HealthFacts& facts);

}  // namespace relay
