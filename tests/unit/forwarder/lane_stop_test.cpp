// Stopping: what is in flight ends or is given back, and nothing is lost.
#include <thread>

#include "forwarder/forwarder.hpp"
#include "lane_fixture.hpp"

namespace relay {
namespace {

using namespace std::chrono_literals;

class LaneStopTest : public LaneTest {};

TEST_F(LaneStopTest, WhatIsInFlightEndsAndIsSettledAndNothingMoreIsStarted) {
  script_->hold();
  for (int i = 0; i < 10; ++i) submit();
  start_lane();
  EXPECT_TRUE(await([&] { return script_->in_flight() == 4; }));
  lane_->stop_within(1h);
  const auto polls = script_->polls();
  script_->wake();
  EXPECT_TRUE(await([&] { return script_->polls() > polls; }));
  script_->let_go();
  lane_->join();
  EXPECT_EQ(totals().delivered, 4U);
  EXPECT_EQ(totals().queued, 6U);
  EXPECT_EQ(script_->tries(), 4U);
  EXPECT_FALSE(script_->cancelled());
}

TEST_F(LaneStopTest, WhatIsStillInFlightAfterTheGraceIsCutOffAndSentAgainByTheNextLane) {
  script_->hold();
  for (int i = 0; i < 6; ++i) submit();
  start_lane();
  EXPECT_TRUE(await([&] { return script_->in_flight() == 4; }));
  stop_lane(0ms);
  EXPECT_TRUE(script_->cancelled());
  EXPECT_EQ(totals().queued, 6U);
  script_->let_go();
  start_lane();
  EXPECT_TRUE(await([&] { return totals().delivered == 6; })) << "every claim was given back";
}

TEST_F(LaneStopTest, AStopWaitsNoLongerThanTheGrace) {
  script_->hold();
  submit();
  start_lane();
  EXPECT_TRUE(await([&] { return script_->in_flight() == 1; }));
  std::atomic<bool> stopped = false;
  std::thread stopping([&] {
    stop_lane(10min);
    stopped = true;
  });
  const auto polls = script_->polls();
  EXPECT_TRUE(await([&] {
    script_->wake();
    return script_->polls() > polls + 2;
  }));
  EXPECT_FALSE(stopped);
  pass(11min);
  stopping.join();
  EXPECT_TRUE(script_->cancelled());
}

TEST_F(LaneStopTest, ALaneWithNothingToDoStopsAtOnce) {
  start_lane();
  stop_lane(1h);
  EXPECT_EQ(script_->tries(), 0U);
}

TEST_F(LaneStopTest, EachDestinationHasItsLaneAndOneThatIsDownSlowsNoOther) {
  auto other = std::make_shared<DestinationScript>();
  other->answer_all(broken_answer());
  DestinationSettings other_settings = settings_;
  other_settings.name = "elsewhere";
  Forwarder forwarder(*journal_, clock_);
  forwarder.add(settings_, std::make_unique<ScriptedDestination>(script_));
  forwarder.add(other_settings, std::make_unique<ScriptedDestination>(other));
  destinations_ = {name, "elsewhere"};
  const auto id = submit();
  EXPECT_TRUE(await([&] { return delivery(id).state == DeliveryState::delivered; }));
  EXPECT_TRUE(await([&] { return !journal_->conditions()["elsewhere"].up; }));
  forwarder.stop(1h);
  auto found = journal_->find(id, true);
  ASSERT_TRUE(found.ok() && found.value());
  EXPECT_EQ(found.value()->view.deliveries.at(1).state, DeliveryState::queued);
}

}  // namespace
}  // namespace relay
