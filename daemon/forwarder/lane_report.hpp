// LaneReport: what a lane tells of itself: log lines, and its condition for health, status and the queued deliveries.
// Alarms (destination_down, refusing_everything, stuck, clock_off) are raised from the condition by operations, so that
// log, health and metrics agree on them. Used by its lane alone.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "forwarder/outcome_rules.hpp"
#include "journal/journal.hpp"

namespace relay {

// Of the histogram from accepted to delivered, in seconds: from a healthy queue's tenths to an outage of days.
const std::vector<double>& delivery_seconds_bounds();

class LaneReport {
 public:
  LaneReport(Journal& journal, std::string destination);

  // After each verdict.
  void concluded(const Try& attempt, const Verdict& verdict, Moment now);
  // What the destination's Date says, in every answer that has one.
  void heard_date(WallTime theirs, Moment now);
  // Each turn: when the hold window ends in which it is; nothing outside of all.
  void held(std::optional<WallTime> until);
  // Before a circuit is closed because nothing is left that could tell whether the destination works again.
  void nothing_left();
  // Each turn: changes of the circuit, and the condition where it changed. What changes with every delivery (last
  // success, last error, in flight) is published once a second at most.
  void turn(const OutcomeRules& rules, std::size_t in_flight, Moment now);
  // When turn() will publish what it holds back now.
  std::optional<MonotonicTime> next_turn() const { return publish_again_at_; }

 private:
  void tell_circuit(const Circuit& circuit, Moment now);
  void publish(const OutcomeRules& rules, std::size_t in_flight, Moment now);

  Journal& journal_;
  const std::string destination_;
  std::optional<Circuit::Opening> told_opening_{};
  bool holding_ = false;
  std::optional<WallTime> held_until_{};  // of the last one
  std::optional<WallTime> last_success_at_{};
  std::optional<DeliveryError> last_error_{};
  std::optional<std::chrono::milliseconds> clock_ahead_by_{};
  std::optional<WallTime> clock_off_since_{};
  Histogram delivery_seconds_;
  DestinationCondition published_;
  std::optional<MonotonicTime> published_at_{};
  std::optional<MonotonicTime> publish_again_at_{};
};

}  // namespace relay
