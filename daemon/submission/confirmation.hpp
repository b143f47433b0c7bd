// Confirmation: what a destination said later of a delivery that it had taken over, where it can be asked.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "submission/outcome.hpp"
#include "submission/submission.hpp"

namespace relay {

// The numbers are the journal's (FORMAT.md); never renumber.
enum class Confirmation : int { none = 0, pending = 1, confirmed = 2, failed = 3 };
std::string_view confirmation_name(Confirmation confirmation);

// A delivery whose destination is to be asked what became of it.
struct FollowUp {
  Submission submission;
  Receipt receipt;  // of the accepted try
  WallTime delivered_at{};
};

// What the destination said of it.
struct FollowUpAnswer {
  SubmissionId id;
  // Nothing: it said nothing of this delivery. Then `error` says why, and where `destination_away` the others needn't
  // be asked now either.
  std::optional<Confirmation> confirmation{};
  std::string overall_status;  // the destination's own word, one that is known
  std::optional<DeliveryError> error{};
  bool destination_away = false;
};

}  // namespace relay
