// Lane: drains the journal into one destination, on a thread of its own named lane:<name>. Each turn: take the mail,
// start what may start, tell how things stand, wait in the destination's poll(), settle what came out of it. A turn
// ends within `longest_wait`, whatever the destination does, so that a watchdog can tell a stuck lane from a quiet one.
//
// Bounds: `concurrency` tries in flight and `settlements_under_way` more that wait for the journal's commit, so that
// throughput doesn't hang on the disk's latency and memory doesn't grow with its trouble. While the journal can't save
// settlements the lane starts nothing. Beyond `rate` nothing new begins, whatever the reason for it.
#pragma once

#include <chrono>
#include <cstdint>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <thread>

#include "base/clock.hpp"
#include "base/rate_bucket.hpp"
#include "destinations/destination.hpp"
#include "forwarder/follow_up_rounds.hpp"
#include "forwarder/lane_mailbox.hpp"
#include "forwarder/lane_report.hpp"
#include "forwarder/outcome_rules.hpp"
#include "forwarder/reconciliation.hpp"
#include "journal/journal.hpp"
#include "settings/settings.hpp"

namespace relay {

class Lane {
 public:
  static constexpr std::chrono::seconds longest_wait{5};
  static constexpr std::size_t settlements_under_way = 512;

  // Starts the thread. Journal and clock outlive the lane.
  Lane(Journal& journal, const Clock& clock, const DestinationSettings& settings,
       std::unique_ptr<Destination> destination, Jitter jitter = random_jitter());
  // Stops without grace where stop_within wasn't called.
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // By an operator: closes an open circuit, and holds for nobody's Retry-After any longer. Any thread.
  void resume();
  // An operator ended or moved that queued delivery: it isn't stuck any more. Any thread.
  void taken_away(const SubmissionId& id);
  // Starts nothing more; ends when what is in flight has ended and is settled, at the latest after `grace`. Returns at
  // once. Any thread.
  void stop_within(std::chrono::milliseconds grace);
  // Whether it has ended, waiting at most that long: a thread that the kernel holds in a hanging share doesn't end.
  bool await_end(std::chrono::milliseconds at_most) const;
  void join();

 private:
  void run();
  void read_mail(Moment now);
  bool finished(Moment now) const;
  void start_what_may_start(Moment now);
  void start_probe(Moment now);
  bool nothing_is_queued() const;
  void start_early_probe(Moment now);
  void start_those_let_in_again(Moment now);
  void start_due(Moment now);
  void start(Claim claim, Moment now, bool probe);
  Delivery delivery_of(std::uint64_t attempt, const Try& of);
  // lane_reconcile.cpp: where the destination can be asked what became of a try
  void settle_interrupted(const Claim& claim, Moment now);
  struct PastTries {
    std::optional<Reconciliation::Doubt> doubt{};  // since it was last accepted
    std::vector<Receipt> accepted;
  };
  PastTries past_tries(const Claim& claim, Moment now);
  bool look(std::uint64_t attempt, Moment now);
  void begin(std::uint64_t attempt, bool earlier_ones_are_absent, Moment now);
  void start_saved(const StartNotice& notice, Moment now);
  void conclude_look(Try attempt, std::uint64_t number, const DeliveryResult& result, Moment now);
  void wait_on(const Try& attempt, std::chrono::milliseconds wait, Moment now);
  void send_after_look(Try attempt, std::uint64_t number, bool earlier_ones_are_absent, Moment now);
  std::size_t room(Moment now) const;
  // Nothing is to be sent now: inside a hold window, or the destination asked for it.
  bool holds(Moment now) const { return held_until_.has_value() || now.monotonic < rules_.hold_until(); }
  void conclude(const DeliveryResult& result, Moment now);
  void conclude(Try attempt, const AttemptResult& result, Moment now);
  void settle(const Claim& claim, Settlement settlement);
  void journal_fails(Moment now);
  std::chrono::milliseconds time_to_wait(Moment now) const;
  void give_back_what_is_in_flight();
  std::optional<unsigned> count_try_laters(const Claim& claim);

  Journal& journal_;
  const Clock& clock_;
  const DestinationSettings settings_;
  const std::unique_ptr<Destination> destination_;
  const std::shared_ptr<LaneMailbox> mailbox_;

  // All below: the lane's thread alone.
  OutcomeRules rules_;
  LaneReport report_;
  Reconciliation reconciliation_;
  FollowUpRounds follow_ups_;
  std::map<std::uint64_t, Try> in_flight_;  // by Delivery::attempt
  std::uint64_t last_attempt_ = 0;
  std::optional<RateBucket> pace_{};  // where the configuration sets a rate
  std::optional<std::uint64_t> probe_in_flight_{};
  std::size_t unsettled_ = 0;           // settlements whose callback hasn't come
  bool look_for_work_ = true;           // something may be due; false once a claim came back short
  bool look_for_witnesses_ = false;     // new work came while the circuit was open
  MonotonicTime look_again_at_{};       // whatever anybody says, look then
  std::optional<WallTime> next_due_{};  // the journal's next not_before
  std::optional<MonotonicTime> journal_failing_until_{};
  std::optional<WallTime> held_until_{};  // the end of the hold window of now
  MonotonicTime forget_absent_at_{};
  std::optional<MonotonicTime> stop_at_{};
  bool nothing_to_probe_ = false;

  std::promise<void> ending_;
  const std::shared_future<void> end_{ending_.get_future()};
  std::thread thread_;
};

}  // namespace relay
