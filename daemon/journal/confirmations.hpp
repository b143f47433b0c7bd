// Later news of deliveries, as the journal's users see it: what there is to save, and what there is to count.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "submission/confirmation.hpp"

namespace relay {

struct FollowUpNews {
  SubmissionId id;
  WallTime delivered_at{};  // of the delivery that was asked about: not of one that was sent again since
  Confirmation confirmation = Confirmation::pending;
  std::string overall_status;              // empty: stays as it was
  std::optional<WallTime> ask_again_at{};  // nothing: that was the last time
};
// On the writer's thread. False: it couldn't be saved; ask again.
using FollowUpCallback = std::function<void(bool saved)>;

struct ConfirmationCounts {
  // Handed over longer ago than this and still pending.
  static constexpr std::chrono::hours late_after{24};
  // Failed ones are counted that long: as long as they can be sent again by default.
  static constexpr std::chrono::hours failed_counts_for{24 * 7};
  // No more than that many are counted.
  static constexpr unsigned most = 1000;

  std::uint64_t late = 0;
  std::optional<WallTime> late_since{};
  std::uint64_t failed = 0;
  std::optional<WallTime> failed_since{};
};

}  // namespace relay
