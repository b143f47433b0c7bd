// FollowUpRounds: asks a destination later what became of what it took over, a few at a time, until it says confirmed
// or failed, or for thirty days. First after five times backoff.initial, then whenever the delivery's age has doubled,
// at the latest after twelve times backoff.max (5 s and 1 h by default). Belongs to its lane; its failures never touch
// the circuit. Where the destination can't be asked now, it isn't asked about any for a back-off of its own.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "destinations/destination.hpp"
#include "forwarder/lane_mailbox.hpp"
#include "forwarder/moment.hpp"
#include "forwarder/schedule.hpp"
#include "journal/journal.hpp"
#include "settings/settings.hpp"

namespace relay {

class FollowUpRounds {
 public:
  static constexpr std::size_t asked_at_once = 4;
  static constexpr std::chrono::hours asks_for{24 * 30};

  // All outlive it, but for the mailbox, which it keeps.
  FollowUpRounds(Journal& journal, const DestinationSettings& settings, Destination& destination,
                 std::shared_ptr<LaneMailbox> mailbox, Jitter jitter);

  // When a delivery of now is to be asked about first; nothing where the destination can't be asked.
  std::optional<WallTime> first_ask(WallTime now) const;
  // One was delivered that will be asked about.
  void delivered(WallTime first_ask);
  // Asks about what is due.
  void ask(Moment now);
  void take_answers(Moment now);
  // From the mailbox.
  void saved(const SubmissionId& id, Moment now);
  // When ask() will have something to do.
  std::optional<MonotonicTime> next_turn(Moment now) const;

 private:
  std::chrono::milliseconds wait_for(std::chrono::milliseconds age) const;
  void save(const FollowUpAnswer& answer, WallTime delivered_at, Moment now);

  Journal& journal_;
  const DestinationSettings& settings_;
  Destination& destination_;
  const std::shared_ptr<LaneMailbox> mailbox_;
  const Jitter jitter_;
  const std::chrono::milliseconds first_wait_;
  const std::chrono::milliseconds longest_wait_;
  std::map<SubmissionId, WallTime> asked_;  // and when each was delivered, until its answer is saved
  std::size_t unanswered_ = 0;              // of those
  bool look_ = true;                        // at what is due
  std::optional<WallTime> next_due_{};
  MonotonicTime away_until_{};
  unsigned away_ = 0;  // times in a row
};

}  // namespace relay
