// A key names one submission: a repeat is absorbed, another payload is refused, and keys outlive what they must.
#include "journal_fixture.hpp"

namespace relay {
namespace {

class IdempotencyTest : public JournalTest {
 protected:
  NewSubmission keyed(const std::string& key, const std::string& payload) {
    NewSubmission made = small(payload);
    made.idempotency_key = "http:lab.default:" + key;
    return made;
  }
  // Lets the writer rotate: a commit, with time gone by.
  void pass(std::chrono::milliseconds time) {
    clock.advance(time);
    append_ok(small("time goes by"));
    append_ok(small("time goes by"));
  }
};

TEST_F(IdempotencyTest, ARepeatGetsTheSameSubmissionAndIsCounted) {
  open();
  const auto first = append(keyed("k", "payload"));
  const auto repeat = append(keyed("k", "payload"));
  ASSERT_TRUE(first.ok() && repeat.ok());
  EXPECT_FALSE(first->replayed);
  EXPECT_TRUE(repeat->replayed);
  EXPECT_EQ(repeat->view.submission.id, first->view.submission.id);
  EXPECT_EQ(repeat->view.repeats, 1u);
  EXPECT_EQ(view(first->view.submission.id).repeats, 1u);
  EXPECT_EQ(totals().accepted, 1u);
}

TEST_F(IdempotencyTest, ARepeatIsRecognisedAfterARestart) {
  open();
  const SubmissionId id = append_ok(keyed("k", "payload"));
  reopen();
  const auto repeat = append(keyed("k", "payload"));
  ASSERT_TRUE(repeat.ok());
  EXPECT_EQ(repeat->view.submission.id, id);
}

TEST_F(IdempotencyTest, BothArriveAtOnceAndOneIsKept) {
  open();
  std::vector<std::future<Result<Appended, AppendRefusal>>> answers;
  for (int i = 0; i < 20; ++i) answers.push_back(append_later(keyed("k", "payload")));
  std::set<SubmissionId> seen;
  int fresh = 0;
  for (auto& answer : answers) {
    const auto result = answer.get();
    ASSERT_TRUE(result.ok());
    seen.insert(result->view.submission.id);
    fresh += result->replayed ? 0 : 1;
  }
  EXPECT_EQ(seen.size(), 1u);
  EXPECT_EQ(fresh, 1);
  EXPECT_EQ(totals().accepted, 1u);
}

TEST_F(IdempotencyTest, AnotherPayloadOrTypeUnderTheSameKeyIsAConflict) {
  open();
  append_ok(keyed("k", "payload"));
  const auto other_payload = append(keyed("k", "another"));
  ASSERT_FALSE(other_payload.ok());
  EXPECT_EQ(other_payload.error(), AppendRefusal::idempotency_conflict);
  NewSubmission other_type = keyed("k", "payload");
  other_type.submission.content_type = "text/csv";
  EXPECT_FALSE(append(std::move(other_type)).ok());
  EXPECT_EQ(totals().accepted, 1u);
}

TEST_F(IdempotencyTest, AKeyOfAnotherScopeIsAnotherKey) {
  open();
  append_ok(keyed("k", "payload"));
  NewSubmission other = small("another");
  other.idempotency_key = "http:lab.other:k";
  EXPECT_TRUE(append(std::move(other)).ok());
}

TEST_F(IdempotencyTest, ARepeatOfADeadLetterIsANewSubmissionAndTheKeyIsItsOwnFromThenOn) {
  open();
  const SubmissionId dead = append_ok(keyed("k", "payload"));
  ASSERT_TRUE(settle(claim_one().token, refused()).ok());
  const auto again = append(keyed("k", "payload"));
  ASSERT_TRUE(again.ok());
  EXPECT_FALSE(again->replayed);
  EXPECT_NE(again->view.submission.id, dead);
  const auto repeat = append(keyed("k", "payload"));
  ASSERT_TRUE(repeat.ok());
  EXPECT_EQ(repeat->view.submission.id, again->view.submission.id);
  EXPECT_FALSE(append(keyed("k", "another")).ok());
}

TEST_F(IdempotencyTest, ARepeatOfADeliveredSubmissionIsAbsorbedAndShowsItAsDelivered) {
  open();
  append_ok(keyed("k", "payload"));
  ASSERT_TRUE(settle(claim_one().token, delivered()).ok());
  const auto repeat = append(keyed("k", "payload"));
  ASSERT_TRUE(repeat.ok());
  EXPECT_TRUE(repeat->replayed);
  EXPECT_EQ(repeat->view.state, SubmissionState::delivered);
}

TEST_F(IdempotencyTest, AKeyIsKeptForItsTimeAndGoesAfterTwiceThat) {
  options.keep_idempotency = std::chrono::hours(24);
  open();
  const SubmissionId id = append_ok(keyed("k", "payload"));
  ASSERT_TRUE(settle(claim_one().token, delivered()).ok());
  pass(std::chrono::hours(23));
  EXPECT_EQ(append(keyed("k", "payload"))->view.submission.id, id);
  for (int day = 0; day < 3; ++day) pass(std::chrono::hours(24));
  EXPECT_NE(append(keyed("k", "payload"))->view.submission.id, id);
}

TEST_F(IdempotencyTest, AnOpenSubmissionsKeyIsKeptHoweverOldItIs) {
  options.keep_idempotency = std::chrono::hours(1);
  open();
  // More than one slice of the rotation.
  std::vector<std::future<Result<Appended, AppendRefusal>>> others;
  for (int i = 0; i < 1200; ++i) others.push_back(append_later(keyed("other " + std::to_string(i), "payload")));
  for (auto& other : others) EXPECT_TRUE(other.get().ok());
  const SubmissionId id = append_ok(keyed("k", "payload"));
  for (int hour = 0; hour < 5; ++hour) {
    clock.advance(std::chrono::hours(1));
    for (int slice = 0; slice < 5; ++slice) append_ok(small("time goes by"));
  }
  reopen();
  EXPECT_EQ(append(keyed("k", "payload"))->view.submission.id, id);
  EXPECT_TRUE(append(keyed("other 700", "payload"))->replayed);
}

TEST_F(IdempotencyTest, AClockThatWasSetAheadAndBackForgetsNoYoungKey) {
  options.keep_idempotency = std::chrono::hours(24);
  open();
  const SubmissionId id = append_ok(keyed("k", "payload"));
  ASSERT_TRUE(settle(claim_one().token, delivered()).ok());
  const WallTime now = clock.wall_now();
  clock.set_wall(now + std::chrono::hours(24 * 3650));
  append_ok(small("in ten years"));
  clock.set_wall(now);
  append_ok(small("now"));
  EXPECT_EQ(append(keyed("k", "payload"))->view.submission.id, id);
}

}  // namespace
}  // namespace relay
