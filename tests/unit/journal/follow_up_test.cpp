// Starts of attempts, looks after what became of them, and what destinations say later.
#include "journal/database.hpp"
#include "journal_fixture.hpp"

namespace relay {
namespace {

using namespace std::chrono_literals;

class FollowUpTest : public JournalTest {
 protected:
  bool tell(FollowUpNews news) {
    std::promise<bool> promise;
    auto future = promise.get_future();
    journal->settle_follow_up("cloud", std::move(news), [&](bool saved) { promise.set_value(saved); });
    return future.get();
  }
  SubmissionId deliver_with_follow_up(const std::string& payload, std::chrono::milliseconds in) {
    const SubmissionId id = append_ok(small(payload));
    Settlement settlement = delivered({{"id", "r-1"}});
    settlement.follow_up_at = clock.wall_now() + in;
    EXPECT_TRUE(settle(claim_one().token, std::move(settlement)).ok());
    return id;
  }
  FollowUpNews news_of(const FollowUp& follow_up, Confirmation confirmation, const std::string& status) {
    return {follow_up.submission.id, follow_up.delivered_at, confirmation, status, std::nullopt};
  }
  void expect_sound() {
    const auto report = verify_journal(options.path, "", {}, {});
    ASSERT_TRUE(report.ok());
    for (const auto& finding : report->findings) ADD_FAILURE() << finding.code << " " << finding.text;
  }
};

TEST_F(FollowUpTest, AStartWithoutAnEndIsFoundAfterTheProcessEnded) {
  open();
  const SubmissionId id = append_ok(small("payload"));
  const WallTime started = clock.wall_now();
  ASSERT_TRUE(begin(claim_one().token, {started, false}).ok());
  expect_sound();
  reopen();
  Claim claim = claim_one();
  ASSERT_EQ(claim.interrupted_since, started);
  Settlement unknown = try_again(Outcome::unknown);
  unknown.possibly_delivered = true;
  ASSERT_TRUE(settle(claim.token, std::move(unknown)).ok());
  claim = claim_one();
  EXPECT_FALSE(claim.interrupted_since);
  EXPECT_TRUE(claim.possibly_delivered);
  EXPECT_EQ(claim.attempts, 1u);
  EXPECT_EQ(journal->snapshot()->destinations["cloud"].possible_repeats, 0u);
  EXPECT_EQ(view(id).deliveries[0].attempts, 1u);
}

TEST_F(FollowUpTest, AnEndTakesTheStartAway) {
  open();
  append_ok(small("payload"));
  const Claim claim = claim_one();
  ASSERT_TRUE(begin(claim.token, {clock.wall_now(), false}).ok());
  ASSERT_TRUE(settle(claim.token, try_again(Outcome::try_later)).ok());
  reopen();
  EXPECT_FALSE(claim_one().interrupted_since);
}

TEST_F(FollowUpTest, AStartOfAnEndedClaimIsRefused) {
  open();
  append_ok(small("payload"));
  const Claim claim = claim_one();
  ASSERT_TRUE(settle(claim.token, delivered()).ok());
  const auto began = begin(claim.token, {clock.wall_now(), false});
  ASSERT_FALSE(began.ok());
  EXPECT_EQ(began.error(), SettleRefusal::stale_token);
}

TEST_F(FollowUpTest, WhatIsProvenAbsentIsSentAgainWithoutCountingAsARepeat) {
  open();
  append_ok(small("payload"));
  Settlement unknown = try_again(Outcome::unknown);
  unknown.possibly_delivered = true;
  ASSERT_TRUE(settle(claim_one().token, std::move(unknown)).ok());
  const Claim claim = claim_one();
  ASSERT_TRUE(begin(claim.token, {clock.wall_now(), true}).ok());
  ASSERT_TRUE(settle(claim.token, delivered()).ok());
  EXPECT_EQ(journal->snapshot()->destinations["cloud"].possible_repeats, 0u);
}

TEST_F(FollowUpTest, ALookThatFoundNothingYetChangesNothingButTheTime) {
  open();
  const SubmissionId id = append_ok(small("payload"));
  Settlement unknown = try_again(Outcome::unknown);
  unknown.possibly_delivered = true;
  ASSERT_TRUE(settle(claim_one().token, std::move(unknown)).ok());
  const WallTime later = clock.wall_now() + 10min;
  Settlement look = try_again(Outcome::unknown, later);
  look.sent = look.recorded = false;
  ASSERT_TRUE(settle(claim_one().token, std::move(look)).ok());
  const DeliveryView delivery = view(id, true).deliveries.at(0);
  EXPECT_EQ(delivery.attempts, 1u);
  EXPECT_EQ(delivery.history.size(), 1u);
  EXPECT_EQ(delivery.next_attempt_at, later);
  const auto totals = journal->snapshot()->destinations["cloud"];
  EXPECT_EQ(totals.attempts.at(Outcome::unknown), 1u);
  EXPECT_EQ(totals.possible_repeats, 0u);
}

TEST_F(FollowUpTest, ALookThatFoundItMakesNoRepeat) {
  open();
  const SubmissionId id = append_ok(small("payload"));
  Settlement unknown = try_again(Outcome::unknown);
  unknown.possibly_delivered = true;
  ASSERT_TRUE(settle(claim_one().token, std::move(unknown)).ok());
  Settlement found = delivered({{"id", "r-1"}});
  found.sent = false;
  found.attempt.counted = false;
  ASSERT_TRUE(settle(claim_one().token, std::move(found)).ok());
  EXPECT_EQ(view(id).deliveries[0].state, DeliveryState::delivered);
  EXPECT_EQ(view(id).deliveries[0].attempts, 1u);
  EXPECT_EQ(journal->snapshot()->destinations["cloud"].possible_repeats, 0u);
}

TEST_F(FollowUpTest, WhatIsToBeAskedIsDueInItsTimeAndOverRestarts) {
  open();
  const SubmissionId id = deliver_with_follow_up("payload", 5s);
  EXPECT_EQ(view(id).deliveries[0].confirmation, "pending");
  EXPECT_TRUE(journal->due_follow_ups("cloud", 10).empty());
  EXPECT_EQ(journal->next_follow_up("cloud"), clock.wall_now() + 5s);
  reopen();
  clock.advance(5s);
  const auto due = journal->due_follow_ups("cloud", 10);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].submission.id, id);
  EXPECT_EQ(due[0].receipt, (Receipt{{"id", "r-1"}}));
  FollowUpNews news = news_of(due[0], Confirmation::pending, "Waiting to Deliver");
  news.ask_again_at = clock.wall_now() + 10s;
  ASSERT_TRUE(tell(news));
  EXPECT_TRUE(journal->due_follow_ups("cloud", 10).empty());
  EXPECT_EQ(view(id).deliveries[0].overall_status, "Waiting to Deliver");
  ASSERT_TRUE(tell(news_of(due[0], Confirmation::confirmed, "Delivered")));
  EXPECT_EQ(view(id).deliveries[0].confirmation, "confirmed");
  EXPECT_EQ(view(id).deliveries[0].overall_status, "Delivered");
  EXPECT_FALSE(journal->next_follow_up("cloud"));
  expect_sound();
}

TEST_F(FollowUpTest, NewsOfAnotherDeliveryThanTheOneThatWasAskedAboutIsLeftOut) {
  open();
  const SubmissionId id = deliver_with_follow_up("payload", 0s);
  FollowUpNews news{id, clock.wall_now() - 1h, Confirmation::failed, "Error", std::nullopt};
  ASSERT_TRUE(tell(news));
  EXPECT_EQ(view(id).deliveries[0].confirmation, "pending");
}

TEST_F(FollowUpTest, LateAndFailedOnesAreCounted) {
  open();
  deliver_with_follow_up("one", 0s);
  const WallTime first = clock.wall_now();
  deliver_with_follow_up("two", 0s);
  EXPECT_TRUE(journal->snapshot()->confirmations.empty());
  clock.advance(25h);
  const auto due = journal->due_follow_ups("cloud", 10);
  ASSERT_EQ(due.size(), 2u);
  ASSERT_TRUE(tell(news_of(due[0], Confirmation::failed, "Error")));
  auto counts = journal->snapshot()->confirmations.at("cloud");
  EXPECT_EQ(counts.late, 1u);
  EXPECT_EQ(counts.late_since, first + 24h);
  EXPECT_EQ(counts.failed, 1u);
  EXPECT_EQ(counts.failed_since, clock.wall_now());
  clock.advance(7 * 24h);
  EXPECT_EQ(journal->snapshot()->confirmations.at("cloud").failed, 0u);
}

TEST_F(FollowUpTest, VerifyNamesAnImpossibleConfirmation) {
  open();
  const SubmissionId id = deliver_with_follow_up("payload", 5s);
  close();
  {
    Connection connection(options.path, Connection::Mode::write, "");
    connection.execute("UPDATE record SET confirmation = 2");
  }
  const auto report = verify_journal(options.path, "", {}, {});
  ASSERT_TRUE(report.ok());
  ASSERT_EQ(report->findings.size(), 1u);
  EXPECT_EQ(report->findings[0].code, "state");
  EXPECT_EQ(report->findings[0].submission, id.text());
}

}  // namespace
}  // namespace relay
