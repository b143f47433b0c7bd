// Operators and lanes at once: what is being sent is never pulled away under its outcome, and what was given up is
// never sent.
#include <atomic>
#include <random>
#include <set>
#include <thread>

#include "operator_fixture.hpp"

namespace relay {
namespace {

using OperatorRaceTest = OperatorTest;

TEST_F(OperatorRaceTest, EachDeliveryEndsOneWayWhicheverSideComesFirst) {
  open();
  std::vector<SubmissionId> made;
  constexpr int many = 300;
  for (int i = 0; i < many; ++i) made.push_back(append_ok(small(std::to_string(i))));

  std::atomic<bool> over = false;
  std::atomic<int> stale = 0;
  std::mutex mutex;
  std::set<SubmissionId> sent;
  std::thread lane([&] {
    std::mt19937 random(1);
    while (!over) {
      for (const Claim& claim : journal->claim("cloud", 4)) {
        if (random() % 4 == 0) {
          journal->release(claim.token);
          continue;
        }
        {
          const std::lock_guard lock(mutex);
          sent.insert(claim.submission.id);
        }
        if (!settle(claim.token, delivered()).ok()) ++stale;
      }
    }
  });

  int given_up = 0;
  std::set<SubmissionId> gone;
  for (auto id = made.rbegin(); id != made.rend(); ++id) {
    const auto action = given_up % 2 == 0 ? SubmissionAction::discard : SubmissionAction::set_aside;
    const auto answer = given_up % 3 == 0 ? redirect({*id}) : act(action, *id, std::nullopt, "raced");
    if (!answer.ok()) {
      EXPECT_EQ(answer.error().kind, ActionRefusal::Kind::wrong_state) << answer.error().message;
    } else if (answer->changed == 1) {
      ++given_up;
      gone.insert(*id);
    }
  }
  while (totals("cloud").queued > 0) std::this_thread::yield();
  over = true;
  lane.join();

  EXPECT_EQ(stale, 0) << "an outcome found its delivery gone";
  EXPECT_GT(given_up, 0) << "the operator came always too late: the race wasn't run";
  for (const SubmissionId& id : made) {
    EXPECT_NE(sent.contains(id), gone.contains(id)) << id.text() << " was sent and given up, or neither";
  }
  expect_sound();
}

TEST_F(OperatorRaceTest, ARedirectOfAllMeetsALaneThatGoesOn) {
  open();
  constexpr int many = 300;
  for (int i = 0; i < many; ++i) append_ok(small(std::to_string(i)));
  std::atomic<bool> over = false;
  std::atomic<int> stale = 0;
  std::atomic<int> sent = 0;
  std::thread lane([&] {
    while (!over) {
      for (const Claim& claim : journal->claim("cloud", 3)) {
        ++sent;
        if (!settle(claim.token, delivered()).ok()) ++stale;
      }
    }
  });
  const auto answer = redirect();
  EXPECT_TRUE(answer.ok());
  while (totals("cloud").queued > 0) std::this_thread::yield();
  over = true;
  lane.join();
  EXPECT_EQ(stale, 0);
  const auto cloud = totals("cloud");
  EXPECT_EQ(cloud.delivered, static_cast<std::uint64_t>(sent));
  EXPECT_EQ(cloud.delivered + cloud.moved_out, static_cast<std::uint64_t>(many));
  EXPECT_EQ(cloud.moved_out, totals("archive").queued);
  expect_sound();
}

}  // namespace
}  // namespace relay
