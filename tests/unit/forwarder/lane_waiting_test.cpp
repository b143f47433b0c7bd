// A lane that waits, whatever for, sleeps; and while the journal can't save, it sends nothing and nothing twice.
#include <algorithm>

#include "lane_fixture.hpp"
#include "support/fault_vfs.hpp"

namespace relay {
namespace {

using namespace std::chrono_literals;

class LaneWaitingTest : public LaneTest {
 protected:
  // Turns of the lane while nothing happens; the clock stands still meanwhile, so nothing becomes due.
  std::size_t turns_in_a_while() {
    const auto polls = script_->polls();
    let_time_pass(300ms);
    return script_->polls() - polls;
  }
};

TEST_F(LaneWaitingTest, WithNothingQueuedItSleeps) {
  start_lane();
  const auto id = submit();
  EXPECT_TRUE(await([&] { return state(id) == DeliveryState::delivered; }));
  EXPECT_LT(turns_in_a_while(), 10U);
}

TEST_F(LaneWaitingTest, BeyondItsRateItSleepsAndGoesOnInTime) {
  settings_.rate = Rate{1.0 / 3600};
  const std::vector<SubmissionId> ids = {submit(), submit(), submit()};
  const auto delivered = [&] {
    return std::count_if(ids.begin(), ids.end(), [&](const auto& id) { return state(id) == DeliveryState::delivered; });
  };
  start_lane();
  EXPECT_TRUE(await([&] { return delivered() == 1; }));
  for (int more = 2; more <= 3; ++more) {
    pass(50min);
    EXPECT_LT(turns_in_a_while(), 10U);
    EXPECT_EQ(delivered(), more - 1);
    pass(10min);
    EXPECT_TRUE(await([&] { return delivered() == more; })) << more;
  }
}

TEST_F(LaneWaitingTest, ProbesKeepToTheRateToo) {
  settings_.rate = Rate{1.0 / 3600};
  settings_.backoff = {1ms, 1ms, std::nullopt};
  script_->answer_all(broken_answer());
  submit();
  start_lane();
  EXPECT_TRUE(await([&] { return script_->tries() == 1; }));
  pass(50min);
  EXPECT_LT(turns_in_a_while(), 10U);
  EXPECT_EQ(script_->tries(), 1U);
  pass(10min);
  EXPECT_TRUE(await([&] { return script_->tries() == 2; }));
}

TEST_F(LaneWaitingTest, UntilATryIsDueItSleeps) {
  script_->answer_all(try_later_answer());
  const auto id = submit();
  start_lane();
  EXPECT_TRUE(await([&] { return delivery(id).attempts == 1; }));
  EXPECT_LT(turns_in_a_while(), 10U);
}

TEST_F(LaneWaitingTest, UntilTheNextProbeItSleepsAlsoWithOneWitnessAlone) {
  script_->answer_all(broken_answer());
  submit();
  start_lane();
  EXPECT_TRUE(await_passing(1min, [&] { return script_->tries() >= 12; }));
  EXPECT_LT(turns_in_a_while(), 10U);
}

TEST_F(LaneWaitingTest, WithNothingLeftToProbeItSleepsAndStillHearsOfNewWork) {
  script_->answer([n = 0](const Delivery&) mutable {
    ++n;
    return n == 1 ? broken_answer() : n == 2 ? refused_answer(ErrorKind::corrupt, 0) : accepted_answer();
  });
  const auto id = submit();
  start_lane();
  EXPECT_TRUE(await_passing(1s, [&] { return state(id) == DeliveryState::dead_letter; }));
  EXPECT_FALSE(condition().up);
  pass(10min);
  EXPECT_LT(turns_in_a_while(), 10U);
  const auto next = submit();
  EXPECT_TRUE(await([&] { return state(next) == DeliveryState::delivered; }));
}

TEST_F(LaneWaitingTest, ThroughARetryAfterItSleeps) {
  script_->answer_all(try_later_answer(10min));
  submit();
  start_lane();
  EXPECT_TRUE(await([&] { return script_->tries() == 1; }));
  EXPECT_LT(turns_in_a_while(), 10U);
}

TEST_F(LaneWaitingTest, WhileAProbeTakesItsTimeItSleeps) {
  script_->answer_all(broken_answer());
  submit();
  submit();
  start_lane();
  EXPECT_TRUE(await([&] { return !condition().up; }));
  EXPECT_TRUE(await([&] { return script_->in_flight() == 0; }));
  script_->hold();
  EXPECT_TRUE(await_passing(1s, [&] { return script_->in_flight() == 1; }));
  pass(1h);
  EXPECT_LT(turns_in_a_while(), 10U);
}

TEST_F(LaneWaitingTest, ItWakesWhenATryIsDueAndNotOnlyWhenItLooksAnyway) {
  script_->answer_all(try_later_answer());
  const auto id = submit();
  start_lane();
  EXPECT_TRUE(await([&] { return delivery(id).attempts == 1; }));
  // Its own look comes five seconds after the last one, of which half a second passes now.
  const auto before = std::chrono::steady_clock::now();
  pass(500ms);
  EXPECT_TRUE(await([&] { return script_->tries() == 2; }));
  EXPECT_LT(std::chrono::steady_clock::now() - before, 3s);
}

TEST_F(LaneWaitingTest, WithEveryPlaceTakenItSleeps) {
  script_->hold();
  for (int i = 0; i < 10; ++i) submit();
  start_lane();
  EXPECT_TRUE(await([&] { return script_->in_flight() == 4; }));
  EXPECT_LT(turns_in_a_while(), 10U);
}

class LaneOverAFailingDisk : public LaneWaitingTest {
 protected:
  void SetUp() override {
    vfs_ = faults_.name();
    LaneWaitingTest::SetUp();
  }
  void TearDown() override {
    faults_.heal();
    LaneWaitingTest::TearDown();
  }
  FaultVfs faults_{"unix"};
};

TEST_F(LaneOverAFailingDisk, WhatTheDestinationTookIsNotSentAgainAndTheRestWaitsUntilTheJournalSaves) {
  for (int i = 0; i < 40; ++i) submit();
  faults_.plan({FaultyOperation::sync, 1, Fault::Kind::io_error, true});
  // One batch is answered; what follows it stays in flight until the lane has heard that nothing can be saved.
  script_->hold();
  script_->answer([this](const Delivery&) {
    script_->hold();
    return accepted_answer();
  });
  start_lane();
  EXPECT_TRUE(await([&] { return script_->in_flight() == 4; }));
  script_->let_go();
  EXPECT_TRUE(await([&] { return journal_->condition().refusing.has_value(); }));
  const auto polls = script_->polls();
  EXPECT_TRUE(await([&] {
    script_->wake();
    return script_->polls() > polls + 3;
  }));
  script_->let_go();
  EXPECT_TRUE(await([&] { return script_->in_flight() == 0; }));
  const auto tries = script_->tries();
  EXPECT_LE(tries, 8U);
  for (int i = 0; i < 100; ++i) pass(1s);
  EXPECT_LT(turns_in_a_while(), 10U);
  EXPECT_EQ(script_->tries(), tries) << "nothing more was sent";
  script_->answer_all(accepted_answer());
  script_->let_go();
  faults_.heal();
  EXPECT_TRUE(await_passing(1s, [&] { return totals().delivered == 40; }));
  EXPECT_EQ(script_->tries(), 40U) << "each once";
}

}  // namespace
}  // namespace relay
