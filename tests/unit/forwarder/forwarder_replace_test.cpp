// Lanes that another configuration replaces, over the real journal: what is in flight ends and is settled, what is
// queued goes on with the new lane or waits for one.
#include "forwarder/forwarder.hpp"

#include "unit/forwarder/lane_fixture.hpp"

namespace relay {
namespace {

using std::chrono::seconds;

class ForwarderReplaceTest : public LaneTest {
 protected:
  std::unique_ptr<Destination> destination(const std::shared_ptr<DestinationScript>& script) {
    return std::make_unique<ScriptedDestination>(script);
  }
  std::vector<Forwarder::NewLane> one_lane(const std::shared_ptr<DestinationScript>& script) {
    std::vector<Forwarder::NewLane> lanes;
    lanes.push_back({settings_, destination(script)});
    return lanes;
  }
};

TEST_F(ForwarderReplaceTest, WhatIsInFlightEndsAndTheRestGoesToTheNewLane) {
  Forwarder forwarder(*journal_, clock_);
  settings_.concurrency = 1;
  script_->hold();
  forwarder.add(settings_, destination(script_));
  const SubmissionId first = submit();
  const SubmissionId second = submit();
  ASSERT_TRUE(await([&] { return script_->in_flight() == 1; }));
  const auto next = std::make_shared<DestinationScript>();
  const std::size_t polls = script_->polls();
  std::thread replacing([&] { forwarder.replace({name}, one_lane(next), seconds(20)); });
  EXPECT_TRUE(await([&] { return script_->polls() > polls; }));
  EXPECT_EQ(next->tries(), 0U);
  script_->let_go();
  replacing.join();
  ASSERT_TRUE(await([&] { return state(second) == DeliveryState::delivered; }));
  EXPECT_EQ(state(first), DeliveryState::delivered);
  // The old lane may have taken the second one as well before it heard that it is to end; nobody sends it twice.
  EXPECT_EQ(script_->tries() + next->tries(), 2U);
  EXPECT_EQ(totals().delivered, 2U);
  const std::size_t before = next->tries();
  // The new lane is woken by new work as the old one was.
  const SubmissionId third = submit();
  EXPECT_TRUE(await([&] { return state(third) == DeliveryState::delivered; }));
  EXPECT_EQ(next->tries(), before + 1);
  forwarder.stop(seconds(5));
}

TEST_F(ForwarderReplaceTest, ALaneThatGoesAwayLeavesItsBacklogQueuedAndSaysNothingMore) {
  Forwarder forwarder(*journal_, clock_);
  script_->answer_all(broken_answer());
  forwarder.add(settings_, destination(script_));
  const SubmissionId id = submit();
  ASSERT_TRUE(await([&] { return !condition().up; }));
  forwarder.replace({name}, {}, seconds(5));
  EXPECT_TRUE(condition().up);
  EXPECT_EQ(state(id), DeliveryState::queued);
  const std::size_t tries = script_->tries();
  submit();
  EXPECT_EQ(script_->tries(), tries);
  EXPECT_EQ(totals().queued, 2U);
  const auto back = std::make_shared<DestinationScript>();
  forwarder.replace({}, one_lane(back), seconds(5));
  EXPECT_TRUE(await([&] { return totals().queued == 0; }));
  forwarder.stop(seconds(5));
}

}  // namespace
}  // namespace relay
