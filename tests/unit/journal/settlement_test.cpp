// How a claim ends, what is kept of it, and what is counted.
#include "journal/database.hpp"
#include "journal_fixture.hpp"

namespace relay {
namespace {

using SettlementTest = JournalTest;

TEST_F(SettlementTest, ADeliveredOneHasItsReceiptAndItsTime) {
  open();
  const SubmissionId id = append_ok(small("payload"));
  clock.advance(std::chrono::seconds(3));
  const Receipt receipt{{"message_id", "m-1"}, {"blob_url", "https://x/\"quoted\""}};
  ASSERT_TRUE(settle(claim_one().token, delivered(receipt)).ok());
  const DeliveryView delivery = view(id, true).deliveries.at(0);
  EXPECT_EQ(view(id).state, SubmissionState::delivered);
  EXPECT_EQ(delivery.state, DeliveryState::delivered);
  EXPECT_EQ(delivery.attempts, 1u);
  EXPECT_EQ(delivery.delivered_at, clock.wall_now());
  EXPECT_EQ(delivery.last_attempt_at, clock.wall_now());
  EXPECT_EQ(delivery.receipt, receipt);
  EXPECT_FALSE(delivery.last_error.has_value());
  ASSERT_EQ(delivery.history.size(), 1u);
  EXPECT_EQ(delivery.history[0].number, 1u);
  EXPECT_TRUE(journal->claim("cloud", 1).empty());
}

TEST_F(SettlementTest, ADeadLetterKeepsItsPayloadAndItsReason) {
  open();
  const SubmissionId id = append_ok(small("payload"));
  ASSERT_TRUE(settle(claim_one().token, refused()).ok());
  reopen();
  const DeliveryView delivery = view(id).deliveries.at(0);
  EXPECT_EQ(view(id).state, SubmissionState::dead_letter);
  EXPECT_EQ(delivery.state, DeliveryState::dead_letter);
  EXPECT_EQ(delivery.last_error->kind, ErrorKind::refused);
  EXPECT_EQ(delivery.last_error->status, 422);
  EXPECT_EQ(delivery.last_error->message, "422 from there");
  EXPECT_EQ(delivery.last_error->remote_text, "field MSH-9");
  EXPECT_FALSE(delivery.delivered_at.has_value());
  EXPECT_EQ(read_all(**journal->payload_of(id)), "payload");
  EXPECT_TRUE(journal->claim("cloud", 1).empty());
}

TEST_F(SettlementTest, AttemptsAreKeptInOrderWithWhatEachSaid) {
  open();
  const SubmissionId id = append_ok(small("payload"));
  const WallTime later = clock.wall_now() + std::chrono::seconds(1);
  ASSERT_TRUE(settle(claim_one().token, try_again(Outcome::try_later, later)).ok());
  EXPECT_EQ(view(id).deliveries[0].next_attempt_at, later);
  EXPECT_EQ(view(id).deliveries[0].last_error->kind, ErrorKind::unavailable);
  clock.advance(std::chrono::seconds(2));
  ASSERT_TRUE(settle(claim_one().token, try_again(Outcome::unknown)).ok());
  ASSERT_TRUE(settle(claim_one().token, delivered()).ok());
  const auto history = view(id, true).deliveries[0].history;
  ASSERT_EQ(history.size(), 3u);
  EXPECT_EQ(history[0].outcome, Outcome::try_later);
  EXPECT_EQ(history[1].outcome, Outcome::unknown);
  EXPECT_EQ(history[2].outcome, Outcome::accepted);
  EXPECT_EQ(history[2].number, 3u);
  EXPECT_LT(history[0].started_at, history[1].started_at);
  EXPECT_EQ(view(id).deliveries[0].attempts, 3u);
  EXPECT_TRUE(view(id).deliveries[0].history.empty());
}

TEST_F(SettlementTest, BrokenTriesCostNothingAndTheSameOneAgainIsKeptOnce) {
  open();
  const SubmissionId id = append_ok(small("payload"));
  for (int probe = 0; probe < 50; ++probe) {
    clock.advance(std::chrono::minutes(5));
    Settlement broken = try_again(Outcome::broken);
    broken.attempt.error->remote_text = "request " + std::to_string(probe);
    ASSERT_TRUE(settle(claim_one().token, broken).ok());
  }
  Settlement other = try_again(Outcome::broken);
  other.attempt.error->status = 401;
  ASSERT_TRUE(settle(claim_one().token, other).ok());
  const DeliveryView delivery = view(id, true).deliveries[0];
  EXPECT_EQ(delivery.attempts, 0u);
  ASSERT_EQ(delivery.history.size(), 2u);
  EXPECT_EQ(delivery.history[0].error->remote_text, "request 49");
  EXPECT_FALSE(delivery.history[0].counted);
  EXPECT_EQ(delivery.history[1].error->status, 401);
  EXPECT_EQ(totals().attempts[Outcome::broken], 51u);
  EXPECT_EQ(claim_one().tries_in_a_row, 51u);
}

TEST_F(SettlementTest, TotalsFollowEveryOutcomeAndSurviveARestart) {
  open();
  for (int i = 0; i < 4; ++i) append_ok(small("payload"));
  ASSERT_TRUE(settle(claim_one().token, delivered()).ok());
  ASSERT_TRUE(settle(claim_one().token, refused()).ok());
  ASSERT_TRUE(settle(claim_one().token, try_again(Outcome::try_later)).ok());
  reopen();
  DestinationTotals t = totals();
  EXPECT_EQ(t.accepted, 4u);
  EXPECT_EQ(t.delivered, 1u);
  EXPECT_EQ(t.dead_letter, 1u);
  EXPECT_EQ(t.queued, 2u);
  EXPECT_EQ(t.attempts[Outcome::accepted], 1u);
  EXPECT_EQ(t.attempts[Outcome::refused], 1u);
  EXPECT_EQ(t.attempts[Outcome::try_later], 1u);
  EXPECT_EQ(t.attempts[Outcome::broken], 0u);
  EXPECT_EQ(verify_findings(), std::vector<std::string>());
}

TEST_F(SettlementTest, ARepeatThatMayHaveBeenMadeThereIsCountedWhenItIsSentAgain) {
  open();
  append_ok(small("payload"));
  Settlement unknown = try_again(Outcome::unknown);
  unknown.possibly_delivered = true;
  ASSERT_TRUE(settle(claim_one().token, unknown).ok());
  EXPECT_EQ(totals().possible_repeats, 0u);
  ASSERT_TRUE(settle(claim_one().token, try_again(Outcome::broken)).ok());
  EXPECT_EQ(totals().possible_repeats, 0u) << "a broken try sent nothing";
  ASSERT_TRUE(settle(claim_one().token, delivered()).ok());
  EXPECT_EQ(totals().possible_repeats, 1u);
}

TEST_F(SettlementTest, AWatchRunsOnceWhenTheLastDeliveryHasEnded) {
  open();
  NewSubmission made = small("payload");
  made.destinations = {"cloud", "archive"};
  const SubmissionId id = append_ok(std::move(made));
  std::atomic<int> done{0};
  std::promise<void> first;
  journal->watch(id, [&] {
    ++done;
    first.set_value();
  });
  const std::uint64_t taken_back = journal->watch(id, [&] { done += 100; });
  journal->unwatch(taken_back);
  ASSERT_TRUE(settle(claim_one("cloud").token, delivered()).ok());
  ASSERT_TRUE(settle(claim_one("archive").token, refused()).ok());
  first.get_future().wait();
  append_ok(small("one more commit"));
  EXPECT_EQ(done, 1);
}

TEST_F(SettlementTest, AWatchOnWhatHasEndedAlreadyRunsAtOnce) {
  open();
  const SubmissionId id = append_ok(small("payload"));
  ASSERT_TRUE(settle(claim_one().token, delivered()).ok());
  bool done = false;
  journal->watch(id, [&] { done = true; });
  EXPECT_TRUE(done);
}

TEST_F(SettlementTest, NumbersAreNeverGivenTwiceEvenAfterTheNewestIsGone) {
  // A lane that claims by number must see what comes after a row that was erased.
  open();
  append_ok(small("one"));
  const SubmissionId newest = append_ok(small("newest"));
  ASSERT_TRUE(settle(claim_one().token, delivered()).ok());
  ASSERT_TRUE(settle(claim_one().token, delivered()).ok());
  close();
  std::int64_t erased = 0;
  {
    Connection connection(options.path, Connection::Mode::write, "");
    erased = connection.integer("SELECT max(seq) FROM submission");
    connection.execute(
        "DELETE FROM attempt WHERE seq > 1; DELETE FROM record WHERE seq > 1;"
        "DELETE FROM submission WHERE seq > 1");
  }
  open();
  const SubmissionId after = append_ok(small("after"));
  EXPECT_FALSE(journal->find(newest, false)->has_value());
  EXPECT_EQ(claim_one().submission.id, after);
  Connection connection(options.path, Connection::Mode::read, "");
  EXPECT_GT(connection.integer("SELECT max(seq) FROM submission"), erased);
}

}  // namespace
}  // namespace relay
