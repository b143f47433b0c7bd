// retry, resend, set aside and discard of one submission: what each takes, what it leaves, and that the audit tells.
#include "operator_fixture.hpp"

namespace relay {
namespace {

using OperatorActionTest = OperatorTest;

TEST_F(OperatorActionTest, ARetriedDeadLetterIsQueuedAtItsPlaceAmongWhatIsOpen) {
  open();
  const SubmissionId first = dead_one("first");
  const SubmissionId second = append_ok(small("second"));
  EXPECT_CHANGED(act(SubmissionAction::retry, first), 1);
  const DeliveryView delivery = delivery_of(first, "cloud", true);
  EXPECT_EQ(delivery.state, DeliveryState::queued);
  EXPECT_EQ(delivery.attempts, 1u) << "what was tried stays counted";
  EXPECT_EQ(delivery.history.size(), 1u);
  const auto claims = journal->claim("cloud", 2);
  ASSERT_EQ(claims.size(), 2u);
  EXPECT_EQ(claims[0].submission.id, first);
  EXPECT_EQ(claims[0].tries_in_a_row, 0u);
  EXPECT_EQ(claims[1].submission.id, second);
  expect_sound();
}

TEST_F(OperatorActionTest, RetryWithoutADestinationTakesEveryDeadLetterOfTheSubmission) {
  open();
  const SubmissionId id = append_ok(for_both("payload"));
  ASSERT_TRUE(settle(claim_one("cloud").token, refused()).ok());
  ASSERT_TRUE(settle(claim_one("archive").token, refused()).ok());
  EXPECT_CHANGED(act(SubmissionAction::retry, id), 2);
  EXPECT_EQ(view(id).state, SubmissionState::queued);
  expect_sound();
}

TEST_F(OperatorActionTest, WhatIsInAnotherStateIsLeftAndNamed) {
  open();
  const SubmissionId queued = append_ok(small("payload"));
  EXPECT_REFUSED(act(SubmissionAction::retry, queued), wrong_state, "cloud is queued");
  EXPECT_REFUSED(act(SubmissionAction::resend, queued), wrong_state, "cloud is queued");
  ASSERT_TRUE(settle(claim_one().token, delivered()).ok());
  EXPECT_REFUSED(act(SubmissionAction::discard, queued, std::nullopt, "why"), wrong_state, "cloud is delivered");
  EXPECT_REFUSED(act(SubmissionAction::set_aside, queued), wrong_state, "cloud is delivered");
  EXPECT_REFUSED(act(SubmissionAction::retry, queued, "archive"), not_found, "archive");
  EXPECT_REFUSED(act(SubmissionAction::retry, ids.next()), not_found, "no submission");
  EXPECT_TRUE(audit().empty()) << "nothing was done";
  expect_sound();
}

TEST_F(OperatorActionTest, AResentOneKeepsItsReceiptAndIsMarkedAsARepeat) {
  open();
  const SubmissionId id = delivered_one();
  EXPECT_CHANGED(act(SubmissionAction::resend, id, "cloud", "lost over there"), 1);
  EXPECT_EQ(totals().queued, 1u);
  EXPECT_EQ(totals().delivered, 0u);
  EXPECT_EQ(totals().ever_delivered, 1u) << "what was counted once stays so";
  reopen();
  EXPECT_EQ(totals().ever_delivered, 1u);
  const Claim claim = claim_one();
  EXPECT_EQ(claim.submission.id, id);
  EXPECT_TRUE(claim.possibly_delivered);
  ASSERT_TRUE(settle(claim.token, delivered({{"message_id", "m-2"}})).ok());
  const DeliveryView delivery = delivery_of(id, "cloud", true);
  EXPECT_EQ(delivery.resends, 1u);
  EXPECT_EQ(delivery.attempts, 2u);
  ASSERT_EQ(delivery.history.size(), 2u);
  EXPECT_EQ(delivery.history[0].receipt.at("message_id"), "m-1");
  EXPECT_EQ(delivery.receipt.at("message_id"), "m-2");
  EXPECT_EQ(totals().possible_repeats, 1u);
  EXPECT_EQ(totals().ever_delivered, 1u) << "it is one delivery, however often it is sent";
  expect_sound();
}

TEST_F(OperatorActionTest, WhatWasDeliveredOnceStaysCountedWhateverBecomesOfItsRepeat) {
  open();
  const SubmissionId id = delivered_one();
  EXPECT_CHANGED(act(SubmissionAction::resend, id), 1);
  ASSERT_TRUE(settle(claim_one().token, refused()).ok());
  EXPECT_EQ(totals().ever_delivered, 1u);
  EXPECT_CHANGED(act(SubmissionAction::retry, id), 1);
  ASSERT_TRUE(settle(claim_one().token, delivered()).ok());
  EXPECT_EQ(totals().ever_delivered, 1u);
  EXPECT_CHANGED(act(SubmissionAction::resend, id), 1);
  EXPECT_CHANGED(act(SubmissionAction::discard, id, std::nullopt, "enough"), 1);
  EXPECT_EQ(totals().delivered, 0u);
  EXPECT_EQ(totals().ever_delivered, 1u);
  delivered_one("another");
  EXPECT_EQ(totals().ever_delivered, 2u);
  expect_sound();
}

TEST_F(OperatorActionTest, WhatWasCutOffAndSetAsideIsARepeatOnceItIsRetried) {
  open();
  const SubmissionId id = append_ok(small("payload"));
  const WallTime started = clock.wall_now();
  ASSERT_TRUE(begin(claim_one().token, {started, false}).ok());
  reopen();
  EXPECT_CHANGED(act(SubmissionAction::set_aside, id), 1);
  DeliveryView delivery = delivery_of(id, "cloud", true);
  EXPECT_EQ(delivery.state, DeliveryState::dead_letter);
  EXPECT_EQ(delivery.attempts, 1u);
  ASSERT_EQ(delivery.history.size(), 2u);
  EXPECT_EQ(delivery.history[0].outcome, Outcome::unknown);
  EXPECT_EQ(delivery.history[0].started_at, started);
  EXPECT_EQ(delivery.history[1].error->kind, ErrorKind::set_aside);
  EXPECT_EQ(totals().attempts[Outcome::unknown], 1u);
  EXPECT_CHANGED(act(SubmissionAction::retry, id), 1);
  const Claim claim = claim_one();
  EXPECT_TRUE(claim.possibly_delivered);
  EXPECT_FALSE(claim.interrupted_since);
  ASSERT_TRUE(settle(claim.token, delivered()).ok());
  EXPECT_EQ(totals().possible_repeats, 1u);
  expect_sound();
}

TEST_F(OperatorActionTest, NothingIsResentWhosePayloadWasErased) {
  options.keep_delivered_payload = std::chrono::hours(1);
  open();
  const SubmissionId id = delivered_one();
  clock.advance(std::chrono::hours(2));
  append_ok(small("makes the writer turn"));
  while (read_is_kept(id)) append_ok(small("and again"));
  EXPECT_REFUSED(act(SubmissionAction::resend, id), wrong_state, "erased");
  EXPECT_EQ(view(id).state, SubmissionState::delivered);
}

TEST_F(OperatorActionTest, WhatIsSetAsideBlocksNobodyAndSaysWhy) {
  open();
  const SubmissionId id = append_ok(small("payload"));
  EXPECT_CHANGED(act(SubmissionAction::set_aside, id), 1);
  const DeliveryView delivery = delivery_of(id, "cloud", true);
  EXPECT_EQ(delivery.state, DeliveryState::dead_letter);
  EXPECT_EQ(delivery.last_error->kind, ErrorKind::set_aside);
  EXPECT_EQ(delivery.attempts, 0u) << "nothing was tried";
  ASSERT_EQ(delivery.history.size(), 1u);
  EXPECT_FALSE(delivery.history[0].counted);
  EXPECT_TRUE(journal->claim("cloud", 1).empty());
  EXPECT_CHANGED(act(SubmissionAction::retry, id), 1);
  ASSERT_TRUE(settle(claim_one().token, delivered()).ok());
  EXPECT_EQ(delivery_of(id, "cloud").attempts, 1u);
  expect_sound();
}

TEST_F(OperatorActionTest, ADiscardedOneKeepsItsReasonOverARestart) {
  open();
  const SubmissionId dead = dead_one();
  const SubmissionId queued = append_ok(small("second"));
  EXPECT_CHANGED(act(SubmissionAction::discard, dead, std::nullopt, "sent by fax"), 1);
  EXPECT_CHANGED(act(SubmissionAction::discard, queued, "cloud", "a test"), 1);
  reopen();
  EXPECT_EQ(view(dead).state, SubmissionState::discarded);
  EXPECT_EQ(delivery_of(dead, "cloud").discard_reason, "sent by fax");
  EXPECT_EQ(delivery_of(dead, "cloud").last_error->kind, ErrorKind::refused);
  EXPECT_EQ(delivery_of(queued, "cloud").discard_reason, "a test");
  EXPECT_EQ(totals().discarded, 2u);
  EXPECT_TRUE(journal->claim("cloud", 1).empty());
  expect_sound();
}

TEST_F(OperatorActionTest, WhereSeveralCouldBeMeantNothingIsChangedAndTheyAreNamed) {
  open();
  const SubmissionId id = append_ok(for_both("payload"));
  for (const auto action : {SubmissionAction::discard, SubmissionAction::set_aside}) {
    const auto answer = act(action, id, std::nullopt, "why");
    EXPECT_REFUSED(answer, wrong_state, "cloud");
    EXPECT_REFUSED(answer, wrong_state, "archive");
  }
  EXPECT_EQ(view(id).state, SubmissionState::queued);
  EXPECT_CHANGED(act(SubmissionAction::discard, id, "archive", "why"), 1);
  EXPECT_CHANGED(act(SubmissionAction::discard, id, std::nullopt, "why"), 1);
  EXPECT_EQ(view(id).state, SubmissionState::discarded);
  expect_sound();
}

TEST_F(OperatorActionTest, WhatIsInFlightIsLeftToItsOutcome) {
  open();
  const SubmissionId id = append_ok(small("payload"));
  const Claim claim = claim_one();
  EXPECT_REFUSED(act(SubmissionAction::discard, id, std::nullopt, "why"), wrong_state, "in flight");
  EXPECT_REFUSED(act(SubmissionAction::set_aside, id), wrong_state, "in flight");
  ASSERT_TRUE(settle(claim.token, delivered()).ok());
  EXPECT_EQ(view(id).state, SubmissionState::delivered);
  EXPECT_TRUE(audit().empty());
  expect_sound();
}

TEST_F(OperatorActionTest, TheAuditTellsWhoDidWhatWhenAndFromWhere) {
  open();
  const SubmissionId id = dead_one();
  clock.advance(std::chrono::minutes(1));
  EXPECT_CHANGED(act(SubmissionAction::discard, id, "cloud", "sent by fax"), 1);
  reopen();
  const auto entries = audit();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].note.action, "discard");
  EXPECT_EQ(entries[0].note.by.who, "uid 1000 (anna)");
  EXPECT_EQ(entries[0].note.by.from, "socket");
  EXPECT_EQ(entries[0].note.submission, id);
  EXPECT_EQ(entries[0].note.destination, "cloud");
  EXPECT_EQ(entries[0].note.detail, "sent by fax");
  EXPECT_EQ(entries[0].note.changed, 1u);
  EXPECT_EQ(entries[0].at, clock.wall_now());
}

TEST_F(OperatorActionTest, TheAuditIsPagedNewestFirst) {
  open();
  for (int i = 0; i < 5; ++i) EXPECT_CHANGED(pause(i % 2 == 0 ? "cloud" : "archive"), i < 2 ? 1 : 0);
  EXPECT_CHANGED(resume("cloud"), 1);
  AuditQuery query;
  query.limit = 2;
  const auto first = actions().audit(query);
  ASSERT_TRUE(first.ok());
  ASSERT_EQ(first->entries.size(), 2u);
  EXPECT_EQ(first->entries[0].note.action, "resume");
  query.cursor = first->next_cursor;
  const auto second = actions().audit(query);
  ASSERT_TRUE(second.ok());
  ASSERT_EQ(second->entries.size(), 1u);
  EXPECT_EQ(second->entries[0].note.destination, "cloud");
  EXPECT_FALSE(second->next_cursor.has_value());
  query.cursor = "c1.0000000000000001";
  EXPECT_FALSE(actions().audit(query).ok());
}

TEST_F(OperatorActionTest, TheAuditIsErasedWhenItsTimeHasCome) {
  options.keep_audit = std::chrono::hours(24);
  open();
  EXPECT_CHANGED(pause("cloud"), 1);
  clock.advance(std::chrono::hours(23));
  EXPECT_CHANGED(resume("cloud"), 1);
  EXPECT_EQ(audit().size(), 2u);
  clock.advance(std::chrono::hours(2));
  while (audit().size() > 1) append_ok(small("makes the writer turn"));
  EXPECT_EQ(audit().at(0).note.action, "resume");
}

TEST_F(OperatorActionTest, AConfigurationIsNotedOnceUntilItChanges) {
  open();
  const Operator self{"relay", "start"};
  actions().note_configuration(sha256("first"), self);
  actions().note_configuration(sha256("first"), self);
  reopen();
  actions().note_configuration(sha256("first"), self);
  actions().note_configuration(sha256("second"), self);
  actions().note_configuration(sha256("first"), self);
  EXPECT_CHANGED(pause("cloud"), 1);
  EXPECT_EQ(audit().size(), 4u);
  EXPECT_EQ(audit().at(3).note.detail, "sha256 " + sha256("first").hex());
}

TEST_F(OperatorActionTest, ReasonsAreSealedWhereThereIsAKey) {
  options.encryption_keys.emplace_back(std::string(32, 'k'));
  open();
  const SubmissionId id = dead_one();
  EXPECT_CHANGED(act(SubmissionAction::discard, id, std::nullopt, "asked for by JANE DOE"), 1);
  EXPECT_EQ(delivery_of(id, "cloud").discard_reason, "asked for by JANE DOE");
  EXPECT_EQ(audit().at(0).note.detail, "asked for by JANE DOE");
  close();
  for (const auto& [name, bytes] : files()) EXPECT_EQ(bytes.find("JANE DOE"), std::string::npos) << name;
}

}  // namespace
}  // namespace relay
