// What an operator tells a lane.
#include <future>

#include "journal/operator_actions.hpp"
#include "lane_fixture.hpp"

namespace relay {
namespace {

using namespace std::chrono_literals;

class LaneOperatorTest : public LaneTest {
 protected:
  void done(std::function<void(ActionCallback)> start) {
    std::promise<bool> ok;
    start([&](const Result<ActionDone, ActionRefusal>& answer) { ok.set_value(answer.ok()); });
    EXPECT_TRUE(ok.get_future().get());
  }
  bool discarded(const SubmissionId& id) {
    std::promise<bool> ok;
    journal_->operator_actions().act(
        {SubmissionAction::discard, id, std::nullopt, "not needed", {"anna", "socket"}},
        [&](const Result<ActionDone, ActionRefusal>& answer) { ok.set_value(answer.ok()); });
    return ok.get_future().get();
  }
  void take_away(const SubmissionId& id) {
    EXPECT_TRUE(await([&] { return discarded(id); })) << "refused while a try is under way";
    lane_->taken_away(id);
  }
  void pause(bool wanted) {
    done([&](ActionCallback callback) {
      auto& actions = journal_->operator_actions();
      wanted ? actions.pause(name, {"anna", "socket"}, std::move(callback))
             : actions.resume(name, {"anna", "socket"}, std::move(callback));
    });
    if (!wanted) lane_->resume();
  }
};

TEST_F(LaneOperatorTest, AResumeClosesTheCircuitWithoutWaitingForAProbe) {
  script_->answer_all(broken_answer());
  const auto id = submit();
  start_lane();
  EXPECT_TRUE(await([&] { return !condition().up; }));
  const auto tries = script_->tries();
  script_->answer_all(accepted_answer());
  lane_->resume();
  EXPECT_TRUE(await([&] { return state(id) == DeliveryState::delivered; })) << "the clock stood still";
  EXPECT_GT(script_->tries(), tries);
  EXPECT_TRUE(await([&] { return condition().up; }));
}

TEST_F(LaneOperatorTest, WhereItIsStillBrokenTheCircuitOpensAgain) {
  script_->answer_all(broken_answer());
  submit();
  start_lane();
  EXPECT_TRUE(await([&] { return !condition().up; }));
  const auto tries = script_->tries();
  lane_->resume();
  EXPECT_TRUE(await([&] { return script_->tries() > tries && !condition().up; }));
  EXPECT_EQ(totals().queued, 1U);
}

TEST_F(LaneOperatorTest, WhereAllWasTakenAwayTheCircuitClosesAndWhatComesNextTells) {
  script_->answer_all(broken_answer());
  const auto id = submit();
  start_lane();
  EXPECT_TRUE(await([&] { return !condition().up; }));
  take_away(id);
  EXPECT_TRUE(await_passing(10s, [&] { return condition().up; }));
  const auto tries = script_->tries();
  const auto next = submit();
  EXPECT_TRUE(await([&] { return script_->tries() > tries && !condition().up; })) << "it is still broken";
  script_->answer_all(accepted_answer());
  EXPECT_TRUE(await_passing(10s, [&] { return state(next) == DeliveryState::delivered; }));
}

TEST_F(LaneOperatorTest, AsLongAsOneWaitsTheCircuitStaysOpen) {
  script_->answer_all(broken_answer());
  const auto id = submit();
  submit();
  start_lane();
  EXPECT_TRUE(await([&] { return !condition().up; }));
  take_away(id);
  const auto tries = script_->tries();
  EXPECT_TRUE(await_passing(10s, [&] { return script_->tries() > tries + 2; }));
  EXPECT_FALSE(condition().up);
}

TEST_F(LaneOperatorTest, NothingIsSentWhilePausedAndAllOfItAfter) {
  start_lane();
  pause(true);
  const auto id = submit();
  pass(1h);
  EXPECT_TRUE(await([&] { return totals().paused; }));
  EXPECT_EQ(script_->tries(), 0U);
  pause(false);
  EXPECT_TRUE(await([&] { return state(id) == DeliveryState::delivered; }));
}

TEST_F(LaneOperatorTest, WhatIsTakenAwayIsNoLongerStuckAndUntilThenNamed) {
  settings_.concurrency = 1;
  const auto bad = submit("lab.a", "a bad one");
  script_->answer(
      [bad](const Delivery& each) { return each.submission.id == bad ? broken_answer() : accepted_answer(); });
  start_lane();
  for (int i = 0; i < 30; ++i) {
    const auto other = submit("lab.b");
    ASSERT_TRUE(await_passing(10s, [&] { return state(other) == DeliveryState::delivered; })) << i;
    const auto tries = script_->tries_of(bad);
    ASSERT_TRUE(await_passing(10s, [&] { return script_->tries_of(bad) > tries; })) << i;
  }
  EXPECT_TRUE(await([&] { return condition().stuck_submissions == std::vector<SubmissionId>{bad}; }));
  lane_->taken_away(bad);
  EXPECT_TRUE(await([&] { return condition().stuck == 0 && condition().stuck_submissions.empty(); }));
}

}  // namespace
}  // namespace relay
