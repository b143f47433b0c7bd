// Whatever the destination does: nothing is lost, nothing is invented, every accepted submission has been there.
#include <map>
#include <mutex>
#include <random>

#include "lane_fixture.hpp"

namespace relay {
namespace {

using namespace std::chrono_literals;

// The destination's mood, which the test changes at random.
enum class Weather { fair, down, silent, busy, busy_with_wish, refusing, one_client_forbidden, anything };

class LanePropertyTest : public LaneTest, public testing::WithParamInterface<unsigned> {
 protected:
  AttemptResult answer(const Delivery& delivery) {
    const std::lock_guard lock(mutex_);
    const AttemptResult result = draw(delivery);
    auto& record = told_[delivery.submission.id];
    if (result.outcome == Outcome::accepted) ++record.accepted;
    const bool held = result.outcome == Outcome::try_later && result.retry_after;
    if (result.outcome != Outcome::broken && !held) ++record.counted;
    return result;
  }

  AttemptResult draw(const Delivery& delivery) {
    switch (weather_) {
      case Weather::fair:
        return accepted_answer();
      case Weather::down:
        return broken_answer();
      case Weather::silent:
        return unknown_answer();
      case Weather::busy:
        return try_later_answer();
      case Weather::busy_with_wish:
        return try_later_answer(3s);
      case Weather::refusing:
        return refused_answer();
      case Weather::one_client_forbidden:
        return delivery.submission.client == "lab.0" ? broken_answer(ErrorKind::forbidden) : accepted_answer();
      case Weather::anything:
        break;
    }
    switch (random_() % 8) {
      case 0:
        return broken_answer();
      case 1:
        return unknown_answer();
      case 2:
        return try_later_answer();
      case 3:
        return try_later_answer(1s);
      case 4:
        return refused_answer();
      case 5:
        return refused_answer(ErrorKind::corrupt, 0);
      default:
        return accepted_answer();
    }
  }

  struct Told {
    unsigned accepted = 0;
    unsigned counted = 0;
  };
  std::mutex mutex_;
  std::mt19937 random_{GetParam()};
  Weather weather_ = Weather::fair;
  std::map<SubmissionId, Told> told_;
};

TEST_P(LanePropertyTest, AcceptedIsDeliveredPlusDeadLetterAndEachWasSeen) {
  std::mt19937 plan(GetParam() + 1000);
  settings_.concurrency = 1 + plan() % 8;
  settings_.backoff = {100ms, 10s, std::nullopt};
  script_->answer([this](const Delivery& delivery) { return answer(delivery); });
  start_lane(random_jitter());

  std::vector<SubmissionId> ids;
  for (int round = 0; round < 30; ++round) {
    {
      const std::lock_guard lock(mutex_);
      weather_ = static_cast<Weather>(plan() % 8);
    }
    for (auto n = plan() % 12; n > 0; --n) ids.push_back(submit("lab." + std::to_string(plan() % 4)));
    for (auto n = plan() % 20; n > 0; --n) {
      pass(std::chrono::milliseconds(plan() % 1000));
      std::this_thread::yield();
    }
    if (plan() % 8 == 0) {
      const bool abrupt = plan() % 2 == 0;
      stop_lane(abrupt ? 0ms : 1h);
      close();
      open();
      start_lane(random_jitter());
    }
    const DestinationTotals now = totals();
    ASSERT_EQ(now.accepted, now.delivered + now.queued + now.dead_letter + now.discarded);
  }
  {
    const std::lock_guard lock(mutex_);
    weather_ = Weather::fair;
  }
  ASSERT_TRUE(await_passing(500ms, [&] { return totals().queued == 0; }));
  stop_lane();

  const DestinationTotals end = totals();
  EXPECT_EQ(end.accepted, ids.size());
  EXPECT_EQ(end.accepted, end.delivered + end.dead_letter + end.discarded);
  const auto told_to_the_lane = [&] {
    const std::lock_guard lock(mutex_);
    return told_;
  }();
  for (const auto& id : ids) {
    const DeliveryView view = delivery(id);
    EXPECT_GE(script_->tries_of(id), 1U);
    const Told& told = told_to_the_lane.at(id);
    EXPECT_EQ(view.state, told.accepted > 0 ? DeliveryState::delivered : DeliveryState::dead_letter);
    EXPECT_LE(told.accepted, 1U);
    EXPECT_EQ(view.attempts, told.counted);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, LanePropertyTest, testing::Range(0U, 12U));

}  // namespace
}  // namespace relay
