// Delivery: one submission on its way to one destination; its states and how they fold into the submission's.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "submission/outcome.hpp"
#include "submission/submission.hpp"

namespace relay {

// The numbers are the journal's (FORMAT.md); never renumber.
enum class DeliveryState : int { queued = 1, delivered = 2, dead_letter = 3, discarded = 4 };
std::string_view delivery_state_name(DeliveryState state);
std::optional<DeliveryState> parse_delivery_state(std::string_view name);

enum class SubmissionState : int { queued = 1, delivered = 2, dead_letter = 3, discarded = 4, partially_delivered = 5 };
std::string_view submission_state_name(SubmissionState state);
std::optional<SubmissionState> parse_submission_state(std::string_view name);

// Any dead_letter → dead_letter; else any queued → queued; else all delivered → delivered; all discarded → discarded; a
// mix of those two → partially_delivered. At least one state.
SubmissionState fold_states(std::span<const DeliveryState> states);

struct AttemptRecord {
  unsigned number = 0;  // 1, 2, … within its delivery, as recorded
  WallTime started_at{};
  WallTime ended_at{};
  Outcome outcome = Outcome::unknown;
  bool counted = true;  // broken tries aren't
  std::optional<DeliveryError> error{};
  Receipt receipt;
  std::optional<std::string> other_destination{};  // where it was tried, before the delivery was redirected
};

struct DeliveryView {
  std::string destination;
  DeliveryState state = DeliveryState::queued;
  unsigned attempts = 0;
  std::optional<WallTime> last_attempt_at{};
  std::optional<WallTime> next_attempt_at{};
  std::optional<DeliveryError> last_error{};
  std::optional<WallTime> delivered_at{};
  std::string confirmation = "none";
  std::string overall_status;  // what the destination said of it later, in its own word; empty where it said nothing
  Receipt receipt;
  unsigned resends = 0;
  std::optional<SubmissionId> waits_for{};      // the end of that one, of the same client or order number
  bool possibly_delivered = false;              // a try may have reached the destination unseen, or it was resent
  std::optional<std::string> discard_reason{};  // only for operators
  std::vector<AttemptRecord> history;           // filled only where it was asked for
};

struct SubmissionView {
  Submission submission;
  SubmissionState state = SubmissionState::queued;
  unsigned repeats = 0;
  std::vector<DeliveryView> deliveries;  // in the order of the route
};

}  // namespace relay
