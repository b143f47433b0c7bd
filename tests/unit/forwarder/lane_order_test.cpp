// A lane whose deliveries keep an order, and one that is held by a window.
#include "lane_fixture.hpp"

namespace relay {
namespace {

using namespace std::chrono_literals;

class LaneOrderTest : public LaneTest {
 protected:
  SubmissionId submit_ordered(const std::string& client, OnDeadLetter on_dead_letter = OnDeadLetter::go_on) {
    order_ = DeliveryOrder{DeliveryOrder::Kind::client, client, on_dead_letter};
    const auto id = submit(client);
    order_.reset();
    return id;
  }
  SubmissionId submit_of_order(const std::string& number) {
    order_ = DeliveryOrder{DeliveryOrder::Kind::order_number, number, OnDeadLetter::go_on};
    const auto id = submit();
    order_.reset();
    return id;
  }
};

TEST_F(LaneOrderTest, OneOfAClientIsUnderWayAndClientsGoBesideEachOther) {
  script_->hold();
  std::vector<SubmissionId> a;
  for (int i = 0; i < 3; ++i) a.push_back(submit_ordered("lab.a"));
  for (int i = 0; i < 3; ++i) submit_ordered("lab.b");
  start_lane();
  ASSERT_TRUE(await([&] { return script_->in_flight() == 2; }));
  EXPECT_EQ(script_->tries_of_client("lab.a"), 1U);
  EXPECT_EQ(script_->tries_of_client("lab.b"), 1U);
  script_->let_go();
  ASSERT_TRUE(await([&] { return totals().delivered == 6; }));
  EXPECT_LE(script_->most_in_flight(), 2U);
  std::vector<SubmissionId> seen;
  for (const SeenTry& each : script_->seen()) {
    if (each.client == "lab.a") seen.push_back(each.id);
  }
  EXPECT_EQ(seen, a);
}

TEST_F(LaneOrderTest, AFailureHoldsItsClientsLaterOnesAlone) {
  const auto first = submit_ordered("lab.a");
  const auto second = submit_ordered("lab.a");
  script_->answer([&](const Delivery& delivery) {
    return delivery.submission.id == first && delivery.attempts_before == 0 ? try_later_answer() : accepted_answer();
  });
  start_lane();
  const auto other = submit_ordered("lab.b");
  ASSERT_TRUE(await([&] { return state(other) == DeliveryState::delivered && script_->tries_of(first) == 1; }));
  EXPECT_EQ(script_->tries_of(second), 0U);
  EXPECT_EQ(totals().blocked_by, std::vector{first});
  ASSERT_TRUE(await_passing(500ms, [&] { return state(second) == DeliveryState::delivered; }));
  EXPECT_EQ(script_->tries_of(first), 2U);
  EXPECT_EQ(state(first), DeliveryState::delivered);
}

TEST_F(LaneOrderTest, RefusalsOfOneOrderDontOpenTheCircuit) {
  script_->answer_all(refused_answer());
  for (unsigned i = 0; i < Circuit::refusals_that_open + 2; ++i) submit_of_order("4711");
  start_lane();
  ASSERT_TRUE(await([&] { return totals().dead_letter == Circuit::refusals_that_open + 2; }));
  EXPECT_TRUE(condition().up);
  for (unsigned i = 0; i < Circuit::refusals_that_open; ++i) submit_of_order("other " + std::to_string(i));
  ASSERT_TRUE(await([&] { return !condition().up; }));
  EXPECT_TRUE(condition().refusing_everything);
}

TEST_F(LaneOrderTest, NothingIsSentInsideAHoldWindowAndAllOfItAfter) {
  // The fixture's clock begins on the 18th of December 2025, at midnight UTC.
  settings_.hold_windows = {{{4}, 1min, 2h, "Etc/UTC"}};
  start_lane();
  const auto before = submit();
  ASSERT_TRUE(await([&] { return state(before) == DeliveryState::delivered; }));
  pass(1min);
  ASSERT_TRUE(await([&] { return condition().holding; }));
  const auto inside = submit();
  pass(1h);
  ASSERT_TRUE(
      await([&] { return script_->polls() > 0 && delivery(inside).next_attempt_at == condition().held_until; }));
  EXPECT_EQ(script_->tries_of(inside), 0U);
  ASSERT_TRUE(await_passing(10min, [&] { return state(inside) == DeliveryState::delivered; }));
  EXPECT_GE(delivery(inside).delivered_at, *condition().held_until);
  ASSERT_TRUE(await([&] { return !condition().holding; }));
}

}  // namespace
}  // namespace relay
