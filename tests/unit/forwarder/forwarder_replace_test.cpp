// Lanes that another configuration replaces, over the real journal: what is in flight ends and is settled, what is
// queued goes on with the new lane or waits for one.
#include "forwarder/forwarder.hpp"

#include <future>

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

// As the kernel holds a thread in a share whose server hangs.
class HangingDestination final : public Destination {
 public:
  // `held` is told as soon as it hangs.
  HangingDestination(std::shared_future<void> answers, std::promise<void>& held)
      : answers_(std::move(answers)), held_(held) {}

  DestinationLimits limits() const override { return {}; }
  void start(Delivery /*delivery*/) override {}
  std::vector<DeliveryResult> poll(std::chrono::milliseconds /*timeout*/) override {
    if (!std::exchange(told_, true)) held_.set_value();
    answers_.wait();
    return {};
  }
  std::size_t in_flight() const override { return 0; }
  void cancel_all() override {}
  std::vector<ProbeFinding> probe() override { return {}; }
  void wake() override {}

 private:
  const std::shared_future<void> answers_;
  std::promise<void>& held_;
  bool told_ = false;
};

TEST_F(ForwarderReplaceTest, ALaneThatHangsHoldsUpNoReplacementForEverAndItsSuccessorBeginsWhenItAnswers) {
  std::promise<void> answer;
  std::promise<void> held;
  Forwarder forwarder(*journal_, clock_);
  settings_.timeout = std::chrono::milliseconds(1);
  forwarder.add(settings_, std::make_unique<HangingDestination>(answer.get_future().share(), held));
  held.get_future().wait();
  const SubmissionId id = submit();
  const auto first = std::make_shared<DestinationScript>();
  const auto second = std::make_shared<DestinationScript>();
  // Twice, as an administrator who tries again: the later configuration is the one that counts.
  forwarder.replace({name}, one_lane(first), std::chrono::milliseconds(1));
  forwarder.replace({name}, one_lane(second), std::chrono::milliseconds(1));
  EXPECT_EQ(state(id), DeliveryState::queued);
  answer.set_value();
  EXPECT_TRUE(await([&] { return state(id) == DeliveryState::delivered; }));
  EXPECT_EQ(first->tries(), 0U);
  EXPECT_EQ(second->tries(), 1U);
  EXPECT_EQ(forwarder.stop(seconds(5)), std::vector<std::string>{});
}

TEST_F(ForwarderReplaceTest, ALaneThatHangsIsNamedByTheStop) {
  std::promise<void> answer;
  std::promise<void> held;
  Forwarder forwarder(*journal_, clock_);
  forwarder.add(settings_, std::make_unique<HangingDestination>(answer.get_future().share(), held));
  held.get_future().wait();
  EXPECT_EQ(forwarder.stop(std::chrono::milliseconds(1)), std::vector<std::string>{name});
  answer.set_value();
}

}  // namespace
}  // namespace relay
