// Claims: what is handed to a lane, in which order, and to nobody else meanwhile.
#include <thread>

#include "journal_fixture.hpp"

namespace relay {
namespace {

class ClaimTest : public JournalTest {
 protected:
  std::vector<SubmissionId> append_many(int count, const std::string& client = "lab.default") {
    std::vector<SubmissionId> made;
    for (int i = 0; i < count; ++i) made.push_back(append_ok(small("payload " + std::to_string(i), client)));
    return made;
  }
  static std::vector<SubmissionId> ids_of(const std::vector<Claim>& claims) {
    std::vector<SubmissionId> found;
    for (const Claim& claim : claims) found.push_back(claim.submission.id);
    return found;
  }
};

TEST_F(ClaimTest, TheOldestComeFirstAndNoneTwice) {
  open();
  const auto made = append_many(5);
  EXPECT_EQ(ids_of(journal->claim("cloud", 2)), (std::vector{made[0], made[1]}));
  EXPECT_EQ(ids_of(journal->claim("cloud", 10)), (std::vector{made[2], made[3], made[4]}));
  EXPECT_TRUE(journal->claim("cloud", 10).empty());
  EXPECT_TRUE(journal->claim("nowhere", 10).empty());
  EXPECT_TRUE(journal->claim("cloud", 0).empty());
}

TEST_F(ClaimTest, DueRetriesComeFirstAndOthersNotBeforeTheirTime) {
  open();
  const auto made = append_many(3);
  const WallTime later = clock.wall_now() + std::chrono::seconds(10);
  ASSERT_TRUE(settle(claim_one().token, try_again(Outcome::try_later, later)).ok());
  EXPECT_EQ(journal->next_due("cloud"), later);
  EXPECT_EQ(claim_one().submission.id, made[1]);
  clock.advance(std::chrono::milliseconds(9'999));
  EXPECT_EQ(claim_one().submission.id, made[2]);
  EXPECT_TRUE(journal->claim("cloud", 10).empty());
  const SubmissionId fresh = append_ok(small("fresh"));
  clock.advance(std::chrono::milliseconds(1));
  EXPECT_EQ(ids_of(journal->claim("cloud", 10)), (std::vector{made[0], fresh}));
  EXPECT_FALSE(journal->next_due("cloud").has_value());
}

TEST_F(ClaimTest, ARetryWithoutATimeIsDueAtOnceAtItsPlace) {
  open();
  const auto made = append_many(2);
  ASSERT_TRUE(settle(claim_one().token, try_again(Outcome::unknown)).ok());
  EXPECT_EQ(ids_of(journal->claim("cloud", 10)), made);
}

TEST_F(ClaimTest, AClaimSaysWhatIsKnownOfTheTriesBefore) {
  open();
  const WallTime queued = clock.wall_now();
  append_many(1);
  Claim claim = claim_one();
  EXPECT_EQ(claim.attempts, 0u);
  EXPECT_EQ(claim.tries_in_a_row, 0u);
  EXPECT_FALSE(claim.possibly_delivered);
  EXPECT_EQ(claim.queued_since, queued);
  clock.advance(std::chrono::seconds(5));
  Settlement unknown = try_again(Outcome::unknown);
  unknown.possibly_delivered = true;
  ASSERT_TRUE(settle(claim.token, unknown).ok());
  ASSERT_TRUE(settle(claim_one().token, try_again(Outcome::broken)).ok());
  claim = claim_one();
  EXPECT_EQ(claim.attempts, 1u);
  EXPECT_EQ(claim.tries_in_a_row, 2u);
  EXPECT_TRUE(claim.possibly_delivered);
  EXPECT_EQ(claim.queued_since, queued);
}

TEST_F(ClaimTest, ATokenSettlesOnce) {
  open();
  append_many(1);
  const Claim claim = claim_one();
  ASSERT_TRUE(settle(claim.token, try_again(Outcome::try_later)).ok());
  const auto again = settle(claim.token, delivered());
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error(), SettleRefusal::stale_token);
  EXPECT_FALSE(settle({claim.token.value + 1000}, delivered()).ok());
  EXPECT_EQ(totals().delivered, 0u);
  EXPECT_EQ(totals().queued, 1u);
}

TEST_F(ClaimTest, ATokenOfAnEarlierProcessIsNeverThatOfALaterOne) {
  open();
  append_many(1);
  const ClaimToken earlier = claim_one().token;
  reopen();
  const Claim claim = claim_one();
  EXPECT_NE(claim.token.value, earlier.value);
  EXPECT_FALSE(settle(earlier, delivered()).ok());
  EXPECT_TRUE(settle(claim.token, delivered()).ok());
}

TEST_F(ClaimTest, WhatIsReleasedIsThereAgainAtOnceAndItsTokenIsStale) {
  open();
  const auto made = append_many(2);
  const Claim claim = claim_one();
  journal->release(claim.token);
  EXPECT_FALSE(settle(claim.token, delivered()).ok());
  EXPECT_EQ(ids_of(journal->claim("cloud", 10)), made);
}

TEST_F(ClaimTest, WhatWasClaimedWhenTheProcessEndedIsQueuedAgain) {
  open();
  const auto made = append_many(3);
  journal->claim("cloud", 2);
  reopen();
  EXPECT_EQ(ids_of(journal->claim("cloud", 10)), made);
}

TEST_F(ClaimTest, DestinationsDontTakeFromEachOther) {
  open();
  NewSubmission made = small("payload");
  made.destinations = {"cloud", "archive"};
  const SubmissionId id = append_ok(std::move(made));
  ASSERT_TRUE(settle(claim_one("cloud").token, delivered()).ok());
  EXPECT_EQ(view(id).state, SubmissionState::queued);
  EXPECT_EQ(claim_one("archive").submission.id, id);
}

TEST_F(ClaimTest, AProbeTakesTheEndTheClientAndTheOtherOneThatItWasAskedFor) {
  open();
  const auto a = append_many(3, "lab.a");
  const auto b = append_many(2, "lab.b");
  const auto probe = [&](ProbeChoice choice) {
    const auto claim = journal->claim_probe("cloud", choice);
    if (!claim) return SubmissionId{};
    journal->release(claim->token);
    return claim->submission.id;
  };
  EXPECT_EQ(probe({}), a[0]);
  EXPECT_EQ(probe({.end = ClaimEnd::newest}), b[1]);
  EXPECT_EQ(probe({.client = "lab.b"}), b[0]);
  EXPECT_EQ(probe({.client = "lab.a", .end = ClaimEnd::newest}), a[2]);
  EXPECT_EQ(probe({.other_than = a[0]}), a[1]);
  EXPECT_EQ(probe({.client = "lab.b", .other_than = b[0]}), b[1]);
  EXPECT_EQ(probe({.client = "lab.c"}), SubmissionId{});
  journal->claim_probe("cloud", {.client = "lab.b"});
  EXPECT_EQ(probe({.client = "lab.b", .other_than = b[1]}), b[1]) << "where there is no other, the same again";
  journal->claim_probe("cloud", {.client = "lab.b"});
  EXPECT_EQ(probe({.client = "lab.b"}), SubmissionId{}) << "all are claimed";
}

TEST_F(ClaimTest, AProbeTakesWhatIsntDueYet) {
  open();
  const auto made = append_many(1);
  ASSERT_TRUE(settle(claim_one().token, try_again(Outcome::broken, clock.wall_now() + std::chrono::minutes(5))).ok());
  EXPECT_TRUE(journal->claim("cloud", 1).empty());
  const auto claim = journal->claim_probe("cloud", {});
  ASSERT_TRUE(claim.has_value());
  EXPECT_EQ(claim->submission.id, made[0]);
  EXPECT_FALSE(journal->next_due("cloud").has_value()) << "the only one that waits is claimed";
  EXPECT_TRUE(settle(claim->token, delivered()).ok());
}

TEST_F(ClaimTest, WaitingClientsAreThoseWithSomethingUnclaimed) {
  open();
  append_many(2, "lab.c");
  append_many(1, "lab.a");
  append_many(1, "lab.b");
  EXPECT_EQ(journal->waiting_clients("cloud", 10), (std::vector<std::string>{"lab.a", "lab.b", "lab.c"}));
  EXPECT_EQ(journal->waiting_clients("cloud", 2).size(), 2u);
  journal->claim_probe("cloud", {.client = "lab.b"});
  journal->claim_probe("cloud", {.client = "lab.c"});
  EXPECT_EQ(journal->waiting_clients("cloud", 10), (std::vector<std::string>{"lab.a", "lab.c"}));
  EXPECT_TRUE(journal->waiting_clients("cloud", 0).empty());
}

TEST_F(ClaimTest, ARetryThatAClockChangePutYearsAwayComesBackWithinTheBackOff) {
  options.max_backoff = std::chrono::minutes(5);
  open();
  const auto made = append_many(450);  // more than two slices
  const WallTime far = clock.wall_now() + std::chrono::hours(24 * 3650);
  std::vector<std::future<Result<void, SettleRefusal>>> answers;
  for (const Claim& claim : journal->claim("cloud", 1000)) {
    auto promise = std::make_shared<std::promise<Result<void, SettleRefusal>>>();
    answers.push_back(promise->get_future());
    journal->settle(claim.token, try_again(Outcome::try_later, far), [promise](auto r) { promise->set_value(r); });
  }
  for (auto& answer : answers) ASSERT_TRUE(answer.get().ok());
  reopen();
  EXPECT_LE(*journal->next_due("cloud"), clock.wall_now() + std::chrono::minutes(5));
  // A slice a commit brings them back, each to five minutes from its own now.
  std::set<SubmissionId> back;
  for (int commit = 0; commit < 50 && back.size() < made.size(); ++commit) {
    append_ok({submission("x"), {"archive"}, std::nullopt, "x"});
    clock.advance(std::chrono::minutes(1));
    for (const Claim& claim : journal->claim("cloud", 1000)) back.insert(claim.submission.id);
  }
  EXPECT_EQ(back.size(), made.size());
  EXPECT_EQ(verify_findings(), std::vector<std::string>());
}

TEST_F(ClaimTest, ASubscriberIsWokenByNewWorkByARetryAndByARelease) {
  open();
  std::atomic<int> woken{0};
  journal->subscribe("cloud", [&] { ++woken; });
  append_many(1);
  while (woken < 1) std::this_thread::yield();
  const Claim claim = claim_one();
  ASSERT_TRUE(settle(claim.token, try_again(Outcome::try_later)).ok());
  while (woken < 2) std::this_thread::yield();
  journal->release(claim_one().token);
  while (woken < 3) std::this_thread::yield();
  journal->subscribe("cloud", {});
  append_many(1);
  EXPECT_EQ(woken, 3);
}

TEST_F(ClaimTest, LanesOnManyThreadsNeverHoldTheSameDelivery) {
  open();
  append_many(300);
  std::mutex mutex;
  std::map<SubmissionId, int> sent;
  std::vector<std::thread> lanes;
  for (int lane = 0; lane < 4; ++lane) {
    lanes.emplace_back([&] {
      while (true) {
        const auto claims = journal->claim("cloud", 7);
        if (claims.empty() && totals().queued == 0) return;
        for (const Claim& claim : claims) {
          {
            const std::lock_guard lock(mutex);
            ++sent[claim.submission.id];
          }
          EXPECT_TRUE(settle(claim.token, delivered()).ok());
        }
      }
    });
  }
  for (std::thread& lane : lanes) lane.join();
  EXPECT_EQ(sent.size(), 300u);
  for (const auto& [id, times] : sent) EXPECT_EQ(times, 1) << id.text();
}

}  // namespace
}  // namespace relay
