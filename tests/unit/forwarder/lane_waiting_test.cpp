// A lane that waits, whatever for, sleeps; and while the journal can't save, it sends nothing and nothing twice.
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
    std::this_thread::sleep_for(300ms);
    return script_->polls() - polls;
  }
};

TEST_F(LaneWaitingTest, WithNothingQueuedItSleeps) {
  start_lane();
  const auto id = submit();
  EXPECT_TRUE(await([&] { return state(id) == DeliveryState::delivered; }));
  EXPECT_LT(turns_in_a_while(), 10U);
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
  start_lane();
  EXPECT_TRUE(await([&] { return faults_.failures() > 0; }));
  EXPECT_TRUE(await_passing(100ms, [&] { return script_->in_flight() == 0 && script_->tries() > 0; }));
  const auto tries = script_->tries();
  EXPECT_LT(tries, 40U);
  for (int i = 0; i < 100; ++i) pass(1s);
  EXPECT_LT(turns_in_a_while(), 10U);
  faults_.heal();
  EXPECT_TRUE(await_passing(1s, [&] { return totals().delivered == 40; }));
  EXPECT_EQ(script_->tries(), 40U) << "each once";
}

}  // namespace
}  // namespace relay
