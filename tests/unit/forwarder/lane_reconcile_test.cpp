// A destination that can be asked: looked for before it is sent again, started only once the start is saved, and asked
// later what became of it.
#include "lane_fixture.hpp"

namespace relay {
namespace {

using namespace std::chrono_literals;

class LaneReconcileTest : public LaneTest {
 protected:
  static DestinationScript::Look found(Presence presence) {
    DestinationScript::Look look;
    look.presence = presence;
    if (presence == Presence::there) {
      look.result.outcome = Outcome::accepted;
      look.result.receipt = {{"id", "found"}};
    }
    return look;
  }
  void looks_find(Presence presence) {
    script_->look_answer([presence](const Delivery&) { return found(presence); });
  }
  // The first try of each has no answer, the others are taken.
  void lose_first_answers() {
    script_->answer(
        [](const Delivery& delivery) { return delivery.attempts_before == 0 ? unknown_answer() : accepted_answer(); });
  }
};

TEST_F(LaneReconcileTest, WhatIsFoundThereIsDeliveredAndNeverSentAgain) {
  lose_first_answers();
  looks_find(Presence::there);
  const auto id = submit();
  start_lane();
  ASSERT_TRUE(await_passing(100ms, [&] { return state(id) == DeliveryState::delivered; }));
  EXPECT_EQ(script_->tries(), 1u);
  EXPECT_EQ(script_->looks(), 1u);
  const DeliveryView shown = delivery(id);
  EXPECT_EQ(shown.attempts, 1u);
  EXPECT_EQ(shown.receipt, (Receipt{{"id", "found"}}));
  EXPECT_EQ(totals().possible_repeats, 0u);
}

TEST_F(LaneReconcileTest, WhatIsAbsentTwiceIsSentAgainAfterTenMinutesAsNoRepeat) {
  lose_first_answers();
  looks_find(Presence::absent);
  const auto id = submit();
  start_lane();
  const WallTime sent = clock_.wall_now();
  ASSERT_TRUE(await_passing(1s, [&] { return script_->looks() >= 1; }));
  ASSERT_TRUE(await([&] { return delivery(id).next_attempt_at > clock_.wall_now() + 1min; }));
  EXPECT_EQ(script_->tries(), 1u);
  ASSERT_TRUE(await_passing(1s, [&] { return state(id) == DeliveryState::delivered; }));
  EXPECT_EQ(script_->tries(), 2u);
  EXPECT_GE(script_->looks(), 2u);
  EXPECT_GE(clock_.wall_now() - sent, 10min);
  EXPECT_FALSE(script_->seen().back().possibly_delivered);
  EXPECT_EQ(delivery(id).attempts, 2u);
  EXPECT_EQ(totals().possible_repeats, 0u);
}

TEST_F(LaneReconcileTest, WhereNobodyCanTellItIsSentAgainAndCounted) {
  lose_first_answers();
  looks_find(Presence::cannot_tell);
  const auto id = submit();
  start_lane();
  ASSERT_TRUE(await_passing(100ms, [&] { return state(id) == DeliveryState::delivered; }));
  EXPECT_EQ(script_->tries(), 2u);
  EXPECT_TRUE(script_->seen().back().possibly_delivered);
  EXPECT_EQ(totals().possible_repeats, 1u);
}

TEST_F(LaneReconcileTest, ALookThatCantBeMadeSendsNothingAndCostsNoAttempt) {
  lose_first_answers();
  script_->look_answer([](const Delivery&) { return DestinationScript::Look{std::nullopt, try_later_answer()}; });
  const auto id = submit();
  start_lane();
  ASSERT_TRUE(await_passing(100ms, [&] { return script_->looks() >= 5; }));
  EXPECT_EQ(script_->tries(), 1u);
  EXPECT_EQ(delivery(id).attempts, 1u);
  EXPECT_EQ(delivery(id).last_error->kind, ErrorKind::timeout) << "why it is in doubt is what is shown";
}

TEST_F(LaneReconcileTest, ABrokenLookOpensTheCircuit) {
  lose_first_answers();
  script_->look_answer([](const Delivery&) { return DestinationScript::Look{std::nullopt, broken_answer()}; });
  const auto id = submit();
  start_lane();
  ASSERT_TRUE(await_passing(100ms, [&] { return !condition().up; }));
  EXPECT_EQ(script_->tries(), 1u);
  EXPECT_EQ(state(id), DeliveryState::queued);
}

TEST_F(LaneReconcileTest, ATryThatTheStopCutOffIsUnknownAndLookedForAfterIt) {
  looks_find(Presence::there);
  script_->hold();
  const auto id = submit();
  start_lane();
  ASSERT_TRUE(await([&] { return script_->in_flight() == 1; }));
  stop_lane(0ms);
  close();
  open();
  script_->let_go();
  start_lane();
  ASSERT_TRUE(await_passing(100ms, [&] { return state(id) == DeliveryState::delivered; }));
  EXPECT_EQ(script_->tries(), 1u) << "it wasn't sent again";
  const auto history = delivery(id).history;
  ASSERT_EQ(history.size(), 2u);
  EXPECT_EQ(history[0].outcome, Outcome::unknown);
  EXPECT_EQ(history[1].outcome, Outcome::accepted);
}

TEST_F(LaneReconcileTest, TenMinutesAreCountedOverARestart) {
  lose_first_answers();
  looks_find(Presence::absent);
  const auto id = submit();
  start_lane();
  ASSERT_TRUE(await_passing(1s, [&] { return script_->looks() >= 1; }));
  stop_lane();
  close();
  clock_.advance(9min);
  open();
  start_lane();
  ASSERT_TRUE(await_passing(1s, [&] { return state(id) == DeliveryState::delivered; }));
  EXPECT_EQ(script_->tries(), 2u);
}

TEST_F(LaneReconcileTest, WhatWasHandedOverIsAskedAboutUntilItIsConfirmed) {
  std::atomic<bool> arrived = false;
  script_->later_answer([&](const FollowUp& asked) {
    EXPECT_EQ(asked.receipt, (Receipt{{"message_id", "m-1"}}));
    FollowUpAnswer answer;
    answer.confirmation = arrived ? Confirmation::confirmed : Confirmation::pending;
    answer.overall_status = arrived ? "Delivered" : "Received";
    return answer;
  });
  const auto id = submit();
  start_lane();
  ASSERT_TRUE(await_passing(1s, [&] { return script_->questions() >= 2; }));
  ASSERT_TRUE(await([&] { return delivery(id).overall_status == "Received"; }));
  EXPECT_EQ(delivery(id).confirmation, "pending");
  arrived = true;
  ASSERT_TRUE(await_passing(1s, [&] { return delivery(id).confirmation == "confirmed"; }));
  EXPECT_EQ(delivery(id).overall_status, "Delivered");
  const auto asked = script_->questions();
  pass(24h);
  EXPECT_EQ(script_->questions(), asked) << "confirmed is the end of it";
}

TEST_F(LaneReconcileTest, FollowUpsThatFailLeaveTheCircuitClosed) {
  script_->later_answer([](const FollowUp&) {
    FollowUpAnswer answer;
    answer.error = DeliveryError{ErrorKind::unavailable, 500, "failed", ""};
    answer.destination_away = true;
    return answer;
  });
  const auto id = submit();
  start_lane();
  ASSERT_TRUE(await_passing(1s, [&] { return script_->questions() >= 3; }));
  EXPECT_TRUE(condition().up);
  EXPECT_EQ(state(id), DeliveryState::delivered);
  EXPECT_EQ(delivery(id).confirmation, "pending");
}

TEST_F(LaneReconcileTest, NobodyIsAskedForEver) {
  script_->later_answer([](const FollowUp&) {
    FollowUpAnswer answer;
    answer.confirmation = Confirmation::pending;
    answer.overall_status = "Received";
    return answer;
  });
  const auto id = submit();
  start_lane();
  ASSERT_TRUE(await_passing(1s, [&] { return delivery(id).overall_status == "Received"; }));
  ASSERT_TRUE(journal_->next_follow_up(name));
  clock_.advance(FollowUpRounds::asks_for);
  ASSERT_TRUE(await_passing(1s, [&] { return !journal_->next_follow_up(name); })) << "the next answer is the last one";
  EXPECT_EQ(delivery(id).confirmation, "pending");
}

}  // namespace
}  // namespace relay
