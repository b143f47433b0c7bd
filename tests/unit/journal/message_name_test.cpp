// What a sender calls a message, where its protocol has no idempotency key: the same name with the same bytes is a
// repeat within its window; with other bytes it is a new submission, and noted.
#include "journal_fixture.hpp"

namespace relay {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

class MessageNameTest : public JournalTest {
 protected:
  NewSubmission named(const std::string& name, const std::string& payload, milliseconds window = hours(24),
                      bool absorb = true) {
    NewSubmission made = small(payload);
    made.message_name = MessageName{"mllp:lab.lis:" + name, window, absorb};
    return made;
  }
  NewSubmission keyed(const std::string& key, const std::string& payload) {
    NewSubmission made = small(payload);
    made.idempotency_key = "http:lab.default:" + key;
    return made;
  }
  Appended take(NewSubmission made) {
    auto appended = append(std::move(made));
    EXPECT_TRUE(appended.ok());
    return appended.ok() ? std::move(*appended) : Appended{};
  }
  void deliver_all() {
    while (totals().queued > 0) ASSERT_TRUE(settle(claim_one().token, delivered()).ok());
  }
  // Lets the writer rotate: commits, with time gone by.
  void pass(milliseconds time) {
    clock.advance(time);
    for (int slice = 0; slice < 3; ++slice) append_ok(small("time goes by"));
    deliver_all();
  }
};

TEST_F(MessageNameTest, ARepeatIsAbsorbedAndCountedWithTheFirst) {
  open();
  const Appended first = take(named("1", "payload"));
  EXPECT_EQ(first.recurrence, Recurrence::none);
  for (unsigned repeat = 1; repeat <= 3; ++repeat) {
    const Appended again = take(named("1", "payload"));
    EXPECT_TRUE(again.replayed);
    EXPECT_EQ(again.recurrence, Recurrence::repeat);
    EXPECT_EQ(again.view.submission.id, first.view.submission.id);
    EXPECT_EQ(again.view.repeats, repeat);
  }
  EXPECT_EQ(totals().accepted, 1u);
}

TEST_F(MessageNameTest, ARepeatIsKnownAfterARestartAndAfterDelivery) {
  open();
  const SubmissionId id = take(named("1", "payload")).view.submission.id;
  reopen();
  EXPECT_EQ(take(named("1", "payload")).view.submission.id, id);
  deliver_all();
  reopen();
  const Appended again = take(named("1", "payload"));
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.view.submission.id, id);
  EXPECT_EQ(again.view.state, SubmissionState::delivered);
}

TEST_F(MessageNameTest, ManyAtOnceAreOneSubmission) {
  open();
  std::vector<std::future<Result<Appended, AppendRefusal>>> answers;
  for (int i = 0; i < 20; ++i) answers.push_back(append_later(named("1", "payload")));
  int fresh = 0;
  for (auto& answer : answers) {
    const auto result = answer.get();
    ASSERT_TRUE(result.ok());
    fresh += result->replayed ? 0 : 1;
  }
  EXPECT_EQ(fresh, 1);
  EXPECT_EQ(totals().accepted, 1u);
}

TEST_F(MessageNameTest, TheSameNameWithOtherBytesIsANewSubmissionAndBothAreKnownAgain) {
  open();
  const SubmissionId first = take(named("1", "payload")).view.submission.id;
  const Appended other = take(named("1", "another"));
  EXPECT_FALSE(other.replayed);
  EXPECT_EQ(other.recurrence, Recurrence::name_reused);
  EXPECT_EQ(take(named("1", "payload")).view.submission.id, first);
  EXPECT_EQ(take(named("1", "another")).view.submission.id, other.view.submission.id);
  EXPECT_EQ(totals().accepted, 2u);
}

TEST_F(MessageNameTest, AnotherNameWithTheSameBytesIsANewSubmission) {
  open();
  take(named("1", "payload"));
  const Appended other = take(named("2", "payload"));
  EXPECT_FALSE(other.replayed);
  EXPECT_EQ(other.recurrence, Recurrence::none);
}

TEST_F(MessageNameTest, AfterItsWindowItIsANewSubmissionAndItsOwnFromThenOn) {
  open();
  const SubmissionId first = take(named("1", "payload", hours(1))).view.submission.id;
  clock.advance(hours(1) - milliseconds(1));
  EXPECT_EQ(take(named("1", "payload", hours(1))).view.submission.id, first);
  clock.advance(milliseconds(1));
  const Appended later = take(named("1", "payload", hours(1)));
  EXPECT_NE(later.view.submission.id, first);
  EXPECT_EQ(later.recurrence, Recurrence::none);
  EXPECT_EQ(take(named("1", "payload", hours(1))).view.submission.id, later.view.submission.id);
  clock.advance(hours(2));
  EXPECT_EQ(take(named("1", "another", hours(1))).recurrence, Recurrence::none) << "the window is over for names, too";
}

TEST_F(MessageNameTest, AWindowOfNothingKnowsNoRepeats) {
  open();
  take(named("1", "payload", milliseconds(0)));
  EXPECT_FALSE(take(named("1", "payload", milliseconds(0))).replayed);
  EXPECT_EQ(totals().accepted, 2u);
}

TEST_F(MessageNameTest, WhereRepeatsAreAcceptedEachIsASubmissionAndSaidToBeARepeat) {
  open();
  const SubmissionId first = take(named("1", "payload", hours(24), false)).view.submission.id;
  const Appended again = take(named("1", "payload", hours(24), false));
  EXPECT_FALSE(again.replayed);
  EXPECT_EQ(again.recurrence, Recurrence::repeat);
  EXPECT_NE(again.view.submission.id, first);
  EXPECT_EQ(view(first).repeats, 1u);
  EXPECT_EQ(totals().accepted, 2u);
}

TEST_F(MessageNameTest, WhatIsADeadLetterMayComeAgain) {
  open();
  const SubmissionId dead = take(named("1", "payload")).view.submission.id;
  ASSERT_TRUE(settle(claim_one().token, refused()).ok());
  const Appended again = take(named("1", "payload"));
  EXPECT_FALSE(again.replayed);
  EXPECT_EQ(again.recurrence, Recurrence::none);
  EXPECT_NE(again.view.submission.id, dead);
  EXPECT_EQ(take(named("1", "payload")).view.submission.id, again.view.submission.id);
}

TEST_F(MessageNameTest, AnIdempotencyKeyOfTheSameTextIsNoName) {
  open();
  take(named("1", "payload"));
  NewSubmission key = small("another");
  key.idempotency_key = "mllp:lab.lis:1";
  EXPECT_FALSE(take(std::move(key)).replayed);
  EXPECT_EQ(take(named("1", "payload")).recurrence, Recurrence::repeat);
}

TEST_F(MessageNameTest, ANameIsKeptOverRotationsForAsLongAsItsWindow) {
  options.keep_idempotency = hours(1);
  options.keep_message_names = hours(24 * 3);
  open();
  const SubmissionId id = take(named("1", "payload", hours(24 * 3))).view.submission.id;
  deliver_all();
  for (int hour = 0; hour < 70; hour += 7) pass(hours(7));
  EXPECT_EQ(take(named("1", "payload", hours(24 * 3))).view.submission.id, id);
  pass(hours(3));
  EXPECT_NE(take(named("1", "payload", hours(24 * 3))).view.submission.id, id);
}

TEST_F(MessageNameTest, ALongWindowLengthensNoKeysTime) {
  options.keep_idempotency = hours(1);
  options.keep_message_names = hours(24 * 3);
  open();
  const SubmissionId id = take(keyed("k", "payload")).view.submission.id;
  deliver_all();
  pass(milliseconds(hours(2)) - milliseconds(1));
  EXPECT_EQ(take(keyed("k", "payload")).view.submission.id, id);
  EXPECT_FALSE(append(keyed("k", "another")).ok());
  pass(milliseconds(1));
  const Appended later = take(keyed("k", "another"));
  EXPECT_FALSE(later.replayed) << "forgotten, so that it is neither a repeat nor a conflict";
  EXPECT_EQ(take(keyed("k", "another")).view.submission.id, later.view.submission.id);
}

TEST_F(MessageNameTest, AnOpenSubmissionsKeyCountsHoweverLongNamesAreKept) {
  options.keep_idempotency = hours(1);
  options.keep_message_names = hours(24 * 3);
  open();
  const SubmissionId id = take(keyed("k", "payload")).view.submission.id;
  for (int hour = 0; hour < 5; ++hour) {
    clock.advance(hours(1));
    append_ok(small("time goes by"));
  }
  EXPECT_EQ(take(keyed("k", "payload")).view.submission.id, id);
}

}  // namespace
}  // namespace relay
