// What people do to many deliveries at once: retry and resend of a destination, redirect, pause and resume.
#include "operator_fixture.hpp"

namespace relay {
namespace {

using OperatorBulkTest = OperatorTest;

TEST_F(OperatorBulkTest, EveryDeadLetterOfADestinationIsRetriedInOneAct) {
  open();
  constexpr int many = 450;  // more than two slices
  for (int i = 0; i < many; ++i) dead_one();
  const SubmissionId other = append_ok(for_both("payload"));
  ASSERT_TRUE(settle(claim_one("archive").token, refused()).ok());
  EXPECT_CHANGED(all(SubmissionAction::retry), many);
  EXPECT_EQ(totals("cloud").dead_letter, 0u);
  EXPECT_EQ(totals("cloud").queued, static_cast<std::uint64_t>(many) + 1);
  EXPECT_EQ(delivery_of(other, "archive").state, DeliveryState::dead_letter);
  ASSERT_EQ(audit().size(), 1u);
  EXPECT_EQ(audit()[0].note.changed, static_cast<std::uint64_t>(many)) << "one row counts all slices";
  EXPECT_CHANGED(all(SubmissionAction::retry), 0);
  EXPECT_EQ(audit().size(), 1u);
  expect_sound();
}

TEST_F(OperatorBulkTest, WhatWasDeliveredWithinATimeIsResent) {
  open();
  const SubmissionId before = delivered_one("before");
  clock.advance(std::chrono::minutes(10));
  const WallTime since = clock.wall_now();
  const SubmissionId within = delivered_one("within");
  // Its other delivery is still open, so retention has no entry of its own for it.
  const SubmissionId half = append_ok(for_both("half"));
  ASSERT_TRUE(settle(claim_one("cloud").token, delivered()).ok());
  clock.advance(std::chrono::minutes(10));
  const WallTime until = clock.wall_now();
  const SubmissionId after = delivered_one("after");
  EXPECT_CHANGED(all(SubmissionAction::resend, since, until), 2);
  EXPECT_EQ(view(before).state, SubmissionState::delivered);
  EXPECT_EQ(delivery_of(within, "cloud").state, DeliveryState::queued);
  EXPECT_EQ(delivery_of(half, "cloud").state, DeliveryState::queued);
  EXPECT_EQ(view(after).state, SubmissionState::delivered);
  expect_sound();
}

TEST_F(OperatorBulkTest, AResendFindsWhatRetentionHasPutOffBecauseAnotherDeliveryIsOpen) {
  options.keep_delivered_payload = std::chrono::hours(1);
  open();
  const WallTime start = clock.wall_now();
  const SubmissionId open_elsewhere = append_ok(for_both("open elsewhere"));
  ASSERT_TRUE(settle(claim_one("cloud").token, delivered()).ok());
  const SubmissionId dead_elsewhere = append_ok(for_both("dead elsewhere"));
  ASSERT_TRUE(settle(claim_one("cloud").token, delivered()).ok());
  auto archived = journal->claim("archive", 2);
  ASSERT_EQ(archived.size(), 2u);
  ASSERT_TRUE(settle(archived[1].token, refused()).ok());
  const SubmissionId over = delivered_one("over");
  clock.advance(std::chrono::hours(2));
  while (read_is_kept(over)) append_ok(small("makes the writer turn"));
  journal->release(archived[0].token);
  EXPECT_CHANGED(all(SubmissionAction::resend, start), 2);
  EXPECT_EQ(delivery_of(open_elsewhere, "cloud").state, DeliveryState::queued);
  EXPECT_EQ(delivery_of(dead_elsewhere, "cloud").state, DeliveryState::queued);
  EXPECT_EQ(view(over).state, SubmissionState::delivered);
  expect_sound();
}

TEST_F(OperatorBulkTest, ARedirectMovesWhatIsQueuedAndDeadWithItsHistory) {
  open();
  const SubmissionId dead = dead_one("dead");
  const SubmissionId queued = append_ok(small("queued"));
  const SubmissionId done = append_ok(small("done"));
  {
    auto claims = journal->claim("cloud", 2);
    ASSERT_EQ(claims.size(), 2u);
    ASSERT_TRUE(settle(claims[0].token, try_again(Outcome::try_later)).ok());
    ASSERT_TRUE(settle(claims[1].token, delivered()).ok());
  }
  EXPECT_CHANGED(redirect(), 2);
  EXPECT_EQ(delivery_of(dead, "archive").state, DeliveryState::queued);
  EXPECT_EQ(delivery_of(queued, "archive").state, DeliveryState::queued);
  EXPECT_EQ(view(done).state, SubmissionState::delivered);
  const DeliveryView moved = delivery_of(dead, "archive", true);
  EXPECT_EQ(moved.attempts, 0u);
  EXPECT_FALSE(moved.last_error.has_value()) << "nothing failed there";
  ASSERT_EQ(moved.history.size(), 1u);
  EXPECT_EQ(moved.history[0].other_destination, "cloud");
  EXPECT_EQ(moved.history[0].error->remote_text, "field MSH-9");
  EXPECT_EQ(totals("cloud").moved_out, 2u);
  EXPECT_EQ(totals("archive").moved_in, 2u);
  EXPECT_EQ(totals("archive").queued, 2u);
  expect_sound();
  for (const Claim& claim : journal->claim("archive", 2)) ASSERT_TRUE(settle(claim.token, delivered()).ok());
  const DeliveryView delivery = delivery_of(dead, "archive", true);
  ASSERT_EQ(delivery.history.size(), 2u);
  EXPECT_EQ(delivery.history[1].number, 2u);
  EXPECT_FALSE(delivery.history[1].other_destination.has_value());
  reopen();
  expect_sound();
}

TEST_F(OperatorBulkTest, ARedirectOfWhatIsThereAlreadyDiscardsIt) {
  open();
  const SubmissionId id = append_ok(for_both("payload"));
  ASSERT_TRUE(settle(claim_one("cloud").token, refused()).ok());
  EXPECT_CHANGED(redirect(), 1);
  EXPECT_EQ(delivery_of(id, "cloud").state, DeliveryState::discarded);
  EXPECT_EQ(delivery_of(id, "cloud").discard_reason, "redirected");
  EXPECT_EQ(delivery_of(id, "archive").state, DeliveryState::queued);
  EXPECT_EQ(totals("cloud").moved_out, 0u);
  expect_sound();
}

TEST_F(OperatorBulkTest, WhereOneDoesNotFitNothingIsRedirected) {
  open();
  const SubmissionId large = dead_one(std::string(2000, 'x'));
  const SubmissionId first = append_ok(small("small"));
  append_ok(small("small, too"));
  EXPECT_REFUSED(redirect({}, {1000}), wrong_state, large.text());
  EXPECT_EQ(totals("archive").moved_in, 0u);
  EXPECT_EQ(totals("cloud").queued, 2u);
  EXPECT_CHANGED(redirect({first}, {1000}), 1);
  EXPECT_REFUSED(redirect({ids.next()}, {1000}), not_found, "no submission");
  expect_sound();
}

TEST_F(OperatorBulkTest, ARedirectLeavesWhatIsInFlight) {
  open();
  append_ok(small("first"));
  append_ok(small("second"));
  const Claim claim = claim_one();
  const auto answer = redirect();
  EXPECT_CHANGED(answer, 1);
  EXPECT_EQ(answer->left, 1u);
  ASSERT_TRUE(settle(claim.token, delivered()).ok());
  EXPECT_EQ(totals("cloud").delivered, 1u);
  expect_sound();
}

TEST_F(OperatorBulkTest, NothingOfAPausedDestinationIsClaimedAlsoAfterARestart) {
  open();
  append_ok(small("first"));
  const Claim in_flight = claim_one();
  append_ok(small("second"));
  EXPECT_CHANGED(pause("cloud"), 1);
  EXPECT_CHANGED(pause("cloud"), 0);
  ASSERT_TRUE(settle(in_flight.token, delivered()).ok()) << "what is in flight ends";
  reopen();
  EXPECT_TRUE(totals("cloud").paused);
  EXPECT_TRUE(journal->claim("cloud", 1).empty());
  EXPECT_FALSE(journal->claim_probe("cloud", {}).has_value());
  std::atomic<bool> woken{false};
  journal->subscribe("cloud", [&] { woken = true; });
  EXPECT_CHANGED(resume("cloud"), 1);
  append_ok(for_both("fence"));  // the wake came with the commit before
  EXPECT_TRUE(woken);
  EXPECT_FALSE(totals("cloud").paused);
  EXPECT_EQ(journal->claim("cloud", 1).size(), 1u);
  journal->subscribe("cloud", {});
  expect_sound();
}

TEST_F(OperatorBulkTest, OneThatIsntKnownIsntFound) {
  options.destinations = {"archive"};
  open();
  EXPECT_REFUSED(all(SubmissionAction::retry), not_found, "destination");
  EXPECT_REFUSED(all(SubmissionAction::resend), not_found, "destination");
  EXPECT_REFUSED(redirect(), not_found, "destination");
}

}  // namespace
}  // namespace relay
