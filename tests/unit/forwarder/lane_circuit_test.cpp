// What becomes of a lane whose destination is down, refuses everything or says nothing.
#include "lane_fixture.hpp"

namespace relay {
namespace {

using namespace std::chrono_literals;

class LaneCircuitTest : public LaneTest {
 protected:
  std::vector<SubmissionId> submit_many(int count, const std::string& client = "lab.a") {
    std::vector<SubmissionId> ids;
    for (int i = 0; i < count; ++i) ids.push_back(submit(client));
    return ids;
  }
};

TEST_F(LaneCircuitTest, ABrokenDestinationCostsNoSubmissionAnAttempt) {
  script_->answer_all(broken_answer());
  const auto ids = submit_many(30);
  start_lane();
  EXPECT_TRUE(await([&] { return !condition().up; }));
  EXPECT_EQ(condition().circuit_error->kind, ErrorKind::unreachable);
  EXPECT_EQ(condition().circuit_since, clock_.wall_now());
  EXPECT_TRUE(condition().next_probe_at);
  EXPECT_LE(script_->tries(), 4U) << "what was in flight, and no more";
  EXPECT_TRUE(await_passing(1s, [&] { return script_->tries() >= 14; }));
  EXPECT_EQ(totals().queued, 30U);
  for (const auto& id : ids) EXPECT_EQ(delivery(id).attempts, 0U);
  script_->answer_all(accepted_answer());
  EXPECT_TRUE(await_passing(1s, [&] { return totals().delivered == 30; }));
  for (const auto& id : ids) EXPECT_EQ(delivery(id).attempts, 1U);
  EXPECT_TRUE(await([&] { return condition().up; }));
}

TEST_F(LaneCircuitTest, OneProbeAtATime) {
  settings_.concurrency = 8;
  script_->answer_all(broken_answer());
  submit();
  start_lane();
  EXPECT_TRUE(await([&] { return !condition().up; }));
  submit_many(20);
  EXPECT_TRUE(await_passing(1s, [&] { return script_->tries() >= 10; }));
  EXPECT_EQ(script_->most_in_flight(), 1U);
}

TEST_F(LaneCircuitTest, ProbesRotateOverTheClients) {
  settings_.concurrency = 1;
  script_->answer_all(broken_answer());
  for (const char* client : {"lab.a", "lab.b", "lab.c"}) submit_many(3, client);
  start_lane();
  EXPECT_TRUE(await_passing(1min, [&] { return script_->tries() >= 13; }));
  const auto seen = script_->seen();
  for (std::size_t i = 0; i + 2 < 13; ++i) {
    const std::set<std::string> three{seen[i].client, seen[i + 1].client, seen[i + 2].client};
    EXPECT_EQ(three.size(), 3U) << i;
  }
}

TEST_F(LaneCircuitTest, ProbesOfOneClientTakeAnotherSubmissionEachTime) {
  settings_.concurrency = 1;
  script_->answer_all(broken_answer());
  submit_many(5);
  start_lane();
  EXPECT_TRUE(await_passing(1min, [&] { return script_->tries() >= 10; }));
  const auto seen = script_->seen();
  std::set<SubmissionId> round;
  for (std::size_t i = 0; i < 5; ++i) round.insert(seen[i].id);
  EXPECT_EQ(round.size(), 5U) << "no head of the line holds the lane";
}

TEST_F(LaneCircuitTest, APoisonThatIsAlwaysBrokenBlocksNobodyAndBecomesStuck) {
  const auto poison = submit();
  script_->answer([&](const Delivery& d) { return d.submission.id == poison ? broken_answer() : accepted_answer(); });
  start_lane();
  for (int i = 0; i < 30; ++i) {
    const auto other = submit();
    ASSERT_TRUE(await_passing(10s, [&] { return state(other) == DeliveryState::delivered; })) << i;
    const auto tries = script_->tries_of(poison);
    ASSERT_TRUE(await_passing(10s, [&] { return script_->tries_of(poison) > tries; })) << i;
  }
  EXPECT_EQ(delivery(poison).attempts, 0U);
  EXPECT_EQ(state(poison), DeliveryState::queued);
  EXPECT_TRUE(await([&] { return condition().stuck == 1 && condition().up; }));
  script_->answer_all(accepted_answer());
  EXPECT_TRUE(await_passing(10s, [&] { return state(poison) == DeliveryState::delivered; }));
  EXPECT_TRUE(await([&] { return condition().stuck == 0; }));
}

TEST_F(LaneCircuitTest, ANewSubmissionNeedNotWaitOutTheBackoffThatOneOtherHasEarned) {
  const auto poison = submit();
  script_->answer([&](const Delivery& d) { return d.submission.id == poison ? broken_answer() : accepted_answer(); });
  start_lane();
  EXPECT_TRUE(await_passing(1min, [&] { return script_->tries_of(poison) >= 15; }));
  EXPECT_FALSE(condition().up);
  const auto other = submit();
  EXPECT_TRUE(await([&] { return state(other) == DeliveryState::delivered; })) << "without a moment's wait";
}

TEST_F(LaneCircuitTest, NorDoesAnotherClientWaitOutTheBackoffOfOne) {
  submit_many(20, "lab.bad");
  script_->answer([](const Delivery& d) {
    return d.submission.client == "lab.bad" ? broken_answer(ErrorKind::forbidden) : accepted_answer();
  });
  start_lane();
  EXPECT_TRUE(await_passing(1min, [&] { return script_->tries() >= 15; }));
  EXPECT_FALSE(condition().up);
  const auto other = submit("lab.good");
  EXPECT_TRUE(await([&] { return state(other) == DeliveryState::delivered; }));
}

TEST_F(LaneCircuitTest, OneClientsMissingRightsDoNotSlowTheOthers) {
  script_->answer([](const Delivery& d) {
    return d.submission.client == "lab.bad" ? broken_answer(ErrorKind::forbidden) : accepted_answer();
  });
  std::vector<SubmissionId> bad;
  std::vector<SubmissionId> good;
  for (int i = 0; i < 100; ++i) {
    bad.push_back(submit("lab.bad"));
    good.push_back(submit("lab.good"));
  }
  start_lane();
  EXPECT_TRUE(await_passing(100ms, [&] { return totals().delivered == 100; }));
  EXPECT_TRUE(await_passing(100ms, [&] { return script_->tries_of_client("lab.bad") >= 100 && condition().up; }));
  for (int i = 0; i < 100; ++i) good.push_back(submit("lab.good"));
  EXPECT_TRUE(await([&] { return totals().delivered == 200; })) << "with no time passing: no probe, no back-off";
  for (const auto& id : bad) {
    EXPECT_EQ(delivery(id).attempts, 0U);
    EXPECT_EQ(state(id), DeliveryState::queued);
  }
  script_->answer_all(accepted_answer());
  EXPECT_TRUE(await_passing(100ms, [&] { return totals().delivered == 300; }));
}

TEST_F(LaneCircuitTest, WhatBackedOffIsSentAsSoonAsItsClientIsLetInAgain) {
  settings_.backoff.initial = 1min;
  script_->answer([](const Delivery& d) {
    return d.submission.client == "lab.bad" ? broken_answer(ErrorKind::forbidden) : accepted_answer();
  });
  submit("lab.bad");
  submit("lab.good");
  start_lane();
  EXPECT_TRUE(await_passing(1s, [&] { return totals().delivered == 1 && condition().up; }));
  const auto backing_off = submit_many(20, "lab.bad");
  EXPECT_TRUE(await([&] { return delivery(backing_off.back()).next_attempt_at > clock_.wall_now(); }));
  script_->answer_all(accepted_answer());
  const auto first = submit("lab.bad");
  EXPECT_TRUE(await([&] { return state(first) == DeliveryState::delivered; }));
  EXPECT_TRUE(await([&] { return totals().queued == 0; })) << "with no time passing";
}

TEST_F(LaneCircuitTest, TenRefusalsInARowStopItAndTheRestStaysQueued) {
  script_->answer_all(refused_answer());
  submit_many(50);
  start_lane();
  EXPECT_TRUE(await([&] { return condition().refusing_everything; }));
  EXPECT_FALSE(condition().up);
  EXPECT_TRUE(await_passing(1s, [&] { return script_->tries() >= 20; }));
  EXPECT_TRUE(await([&] { return script_->in_flight() == 0; }));
  EXPECT_EQ(totals().dead_letter, 10U);
  EXPECT_EQ(totals().queued, 40U);
  script_->answer_all(accepted_answer());
  EXPECT_TRUE(await_passing(1s, [&] { return totals().delivered == 40; }));
  EXPECT_EQ(totals().dead_letter, 10U);
  EXPECT_TRUE(await([&] { return condition().up && !condition().refusing_everything; }));
}

TEST_F(LaneCircuitTest, WhatIsInFlightWhenTheTenthIsRefusedStaysQueued) {
  settings_.concurrency = 32;
  script_->hold();
  script_->answer_all(refused_answer());
  submit_many(32);
  start_lane();
  EXPECT_TRUE(await([&] { return script_->in_flight() == 32; }));
  script_->let_go();
  EXPECT_TRUE(await([&] { return condition().refusing_everything && totals().dead_letter == 10; }));
  EXPECT_EQ(totals().queued, 22U);
}

TEST_F(LaneCircuitTest, ProbesOfARefuserTakeNewestAndOldestInTurn) {
  settings_.concurrency = 1;
  script_->answer_all(refused_answer());
  const auto ids = submit_many(20);
  start_lane();
  EXPECT_TRUE(await_passing(1min, [&] { return script_->tries() >= 14; }));
  const auto seen = script_->seen();
  EXPECT_EQ(seen[10].id, ids[19]);
  EXPECT_EQ(seen[11].id, ids[10]);
  EXPECT_EQ(seen[12].id, ids[18]);
  EXPECT_EQ(seen[13].id, ids[11]);
}

TEST_F(LaneCircuitTest, FiveTriesInARowWithoutAnAnswerOpenIt) {
  settings_.concurrency = 1;
  script_->answer_all(unknown_answer());
  const auto ids = submit_many(8);
  start_lane();
  EXPECT_TRUE(await([&] { return !condition().up; }));
  EXPECT_EQ(condition().circuit_error->kind, ErrorKind::timeout);
  EXPECT_EQ(script_->tries(), 5U);
  EXPECT_TRUE(await([&] { return delivery(ids[0]).attempts == 1; })) << "an unknown try counts";
  EXPECT_EQ(delivery(ids[7]).attempts, 0U);
  script_->answer_all(accepted_answer());
  EXPECT_TRUE(await_passing(1s, [&] { return totals().delivered == 8; }));
}

TEST_F(LaneCircuitTest, ARestartKeepsAttemptsAndTheTimeOfTheNextTry) {
  script_->answer_all(try_later_answer());
  const auto id = submit();
  start_lane();
  EXPECT_TRUE(await_passing(100ms, [&] { return delivery(id).attempts == 3; }));
  const auto next = delivery(id).next_attempt_at;
  ASSERT_TRUE(next);
  close();
  script_->answer_all(accepted_answer());
  open();
  start_lane();
  EXPECT_EQ(delivery(id).attempts, 3U);
  EXPECT_EQ(delivery(id).next_attempt_at, next);
  const auto other = submit();
  EXPECT_TRUE(await([&] { return state(other) == DeliveryState::delivered; }));
  EXPECT_EQ(script_->tries_of(id), 3U);
  EXPECT_TRUE(await_passing(100ms, [&] { return state(id) == DeliveryState::delivered; }));
  EXPECT_GE(clock_.wall_now(), *next);
  EXPECT_EQ(delivery(id).attempts, 4U);
}

}  // namespace
}  // namespace relay
