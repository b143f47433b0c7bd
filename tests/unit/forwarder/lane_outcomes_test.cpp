// What becomes of one delivery, by the outcome of its tries.
#include "lane_fixture.hpp"

namespace relay {
namespace {

using namespace std::chrono_literals;

class LaneOutcomesTest : public LaneTest {};

TEST_F(LaneOutcomesTest, DeliversWhatWaitedAndWhatComesLater) {
  const auto before = submit("lab.a", "MSH|^~\\&|one\rPID|1\r");
  start_lane();
  EXPECT_TRUE(await([&] { return state(before) == DeliveryState::delivered; }));
  const auto later = submit("lab.b", std::string("\xff\x00\x80 two", 7));
  EXPECT_TRUE(await([&] { return state(later) == DeliveryState::delivered; }));
  const auto seen = script_->seen();
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].payload, "MSH|^~\\&|one\rPID|1\r");
  EXPECT_EQ(seen[1].payload, std::string("\xff\x00\x80 two", 7));
  const DeliveryView view = delivery(before);
  EXPECT_EQ(view.attempts, 1U);
  EXPECT_EQ(view.receipt.at("message_id"), "m-1");
  ASSERT_EQ(view.history.size(), 1U);
  EXPECT_EQ(view.history[0].outcome, Outcome::accepted);
}

TEST_F(LaneOutcomesTest, NeverMoreInFlightThanItsConcurrency) {
  script_->hold();
  for (int i = 0; i < 20; ++i) submit();
  start_lane();
  EXPECT_TRUE(await([&] { return script_->in_flight() == 4; }));
  script_->let_go();
  EXPECT_TRUE(await([&] { return totals().delivered == 20; }));
  EXPECT_EQ(script_->most_in_flight(), 4U);
  EXPECT_EQ(script_->tries(), 20U);
}

TEST_F(LaneOutcomesTest, RefusedIsADeadLetterThatBlocksNobody) {
  const auto bad = submit();
  const auto good = submit();
  script_->answer([bad](const Delivery& d) { return d.submission.id == bad ? refused_answer() : accepted_answer(); });
  start_lane();
  EXPECT_TRUE(
      await([&] { return state(bad) == DeliveryState::dead_letter && state(good) == DeliveryState::delivered; }));
  const DeliveryView view = delivery(bad);
  EXPECT_EQ(view.attempts, 1U);
  EXPECT_EQ(view.last_error->kind, ErrorKind::refused);
  EXPECT_EQ(view.last_error->status, 422);
  EXPECT_TRUE(condition().up);
}

TEST_F(LaneOutcomesTest, TryLaterWaitsItsOwnTimeAndTheOthersGoOn) {
  const auto busy = submit();
  script_->answer([&, n = 0](const Delivery& d) mutable {
    return d.submission.id == busy && n++ < 2 ? try_later_answer() : accepted_answer();
  });
  const WallTime start = clock_.wall_now();
  start_lane();
  EXPECT_TRUE(await([&] { return delivery(busy).attempts == 1; }));
  EXPECT_EQ(delivery(busy).next_attempt_at, start + 500ms);
  const auto other = submit();
  EXPECT_TRUE(await([&] { return state(other) == DeliveryState::delivered; }));
  EXPECT_EQ(script_->tries_of(busy), 1U);
  pass(500ms);
  EXPECT_TRUE(await([&] { return delivery(busy).attempts == 2; }));
  EXPECT_EQ(delivery(busy).next_attempt_at, start + 500ms + 1s);
  pass(1s);
  EXPECT_TRUE(await([&] { return state(busy) == DeliveryState::delivered; }));
  EXPECT_EQ(delivery(busy).attempts, 3U);
}

TEST_F(LaneOutcomesTest, RetryAfterHoldsTheWholeLaneAndCostsNoAttempt) {
  const auto first = submit();
  script_->answer([n = 0](const Delivery&) mutable { return n++ == 0 ? try_later_answer(10min) : accepted_answer(); });
  start_lane();
  EXPECT_TRUE(await([&] { return delivery(first).history.size() == 1; }));
  const auto second = submit();
  pass(5min);
  const auto polls = script_->polls();
  EXPECT_TRUE(await_passing(1ms, [&] { return script_->polls() > polls + 3; }));
  EXPECT_EQ(script_->tries(), 1U);
  EXPECT_EQ(delivery(first).attempts, 0U);
  EXPECT_EQ(delivery(first).next_attempt_at, WallTime{delivery(first).history[0].ended_at + 10min});
  pass(6min);
  EXPECT_TRUE(await([&] { return totals().delivered == 2; }));
  EXPECT_EQ(delivery(first).attempts, 1U);
  EXPECT_EQ(delivery(second).attempts, 1U);
}

TEST_F(LaneOutcomesTest, UnknownIsSentAgainUnderTheSameIdAndCountedAsPossibleRepeat) {
  const auto id = submit();
  script_->answer([n = 0](const Delivery&) mutable { return n++ == 0 ? unknown_answer() : accepted_answer(); });
  start_lane();
  EXPECT_TRUE(await_passing(100ms, [&] { return state(id) == DeliveryState::delivered; }));
  const auto seen = script_->seen();
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_FALSE(seen[0].possibly_delivered);
  EXPECT_TRUE(seen[1].possibly_delivered);
  EXPECT_EQ(seen[1].id, id);
  EXPECT_EQ(delivery(id).attempts, 2U);
  EXPECT_EQ(totals().possible_repeats, 1U);
}

TEST_F(LaneOutcomesTest, GivesUpAfterSoManyTryLaterAnswersWhereTheConfigurationSaysSo) {
  settings_.backoff.give_up_after = 3;
  const auto id = submit();
  script_->answer([n = 0](const Delivery&) mutable { return n++ == 0 ? unknown_answer() : try_later_answer(); });
  start_lane();
  EXPECT_TRUE(await_passing(1s, [&] { return state(id) == DeliveryState::dead_letter; }));
  EXPECT_EQ(delivery(id).attempts, 4U) << "the unknown one is no \"try later\" answer";
}

TEST_F(LaneOutcomesTest, CorruptPayloadsAreDeadLettersOneByOne) {
  script_->answer([](const Delivery& d) {
    return d.submission.client == "lab.corrupt" ? refused_answer(ErrorKind::corrupt, 0) : accepted_answer();
  });
  for (int i = 0; i < 15; ++i) submit("lab.corrupt");
  submit("lab.sound");
  start_lane();
  EXPECT_TRUE(await([&] { return totals().delivered == 1 && totals().dead_letter == 15; }));
  EXPECT_TRUE(condition().up);
}

TEST_F(LaneOutcomesTest, LastSuccessAndLastErrorAreTold) {
  start_lane();
  const auto id = submit();
  EXPECT_TRUE(await([&] { return condition().last_success_at == clock_.wall_now(); }));
  EXPECT_TRUE(await([&] { return state(id) == DeliveryState::delivered; }));
  script_->answer_all(refused_answer());
  submit();
  EXPECT_TRUE(await_passing(100ms, [&] { return condition().last_error.has_value(); }));
  EXPECT_TRUE(await_passing(100ms, [&] { return condition().in_flight == 0; }));
}

}  // namespace
}  // namespace relay
