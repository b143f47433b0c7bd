#include "forwarder/outcome_rules.hpp"

#include <gtest/gtest.h>

#include "support/scripted_destination.hpp"

namespace relay {
namespace {

using namespace std::chrono_literals;

Moment at(std::chrono::milliseconds time) {
  return {WallTime{} + 1000h + time, MonotonicTime{} + 1000h + time};
}

class OutcomeRulesTest : public testing::Test {
 protected:
  OutcomeRulesTest() {
    settings_.name = "there";
    settings_.concurrency = 4;
    settings_.backoff = {1s, 1min, std::nullopt};
  }

  OutcomeRules rules() {
    return OutcomeRules(
        settings_, [] { return 1.0; }, [this](const Claim&) { return earlier_try_laters_; });
  }
  // A try of submission `number`, begun before now's accepts.
  static Try try_of(const OutcomeRules& rules, std::uint8_t number, const std::string& client = "lab.a",
                    bool probe = false) {
    Try attempt;
    attempt.claim.submission.id.bytes[15] = number;
    attempt.claim.submission.client = client;
    attempt.started = at(0s);
    attempt.accepts_at_start = rules.accepts();
    attempt.probe = probe;
    return attempt;
  }

  DestinationSettings settings_;
  std::optional<unsigned> earlier_try_laters_ = 0;
};

TEST_F(OutcomeRulesTest, AcceptedIsDeliveredWithItsReceiptAndTimes) {
  OutcomeRules rules = this->rules();
  const Verdict verdict = rules.judge(try_of(rules, 1), accepted_answer(), at(2s));
  EXPECT_EQ(verdict.settlement.kind, Settlement::Kind::delivered);
  EXPECT_EQ(verdict.settlement.attempt.outcome, Outcome::accepted);
  EXPECT_TRUE(verdict.settlement.attempt.counted);
  EXPECT_EQ(verdict.settlement.attempt.started_at, at(0s).wall);
  EXPECT_EQ(verdict.settlement.attempt.ended_at, at(2s).wall);
  EXPECT_EQ(verdict.settlement.attempt.receipt.at("message_id"), "m-1");
  EXPECT_FALSE(verdict.settlement.attempt.error);
}

TEST_F(OutcomeRulesTest, RefusedIsADeadLetterAndTheLaneGoesOn) {
  OutcomeRules rules = this->rules();
  const Verdict verdict = rules.judge(try_of(rules, 1), refused_answer(), at(0s));
  EXPECT_EQ(verdict.settlement.kind, Settlement::Kind::dead_letter);
  EXPECT_TRUE(verdict.settlement.attempt.counted);
  EXPECT_EQ(verdict.settlement.attempt.error->kind, ErrorKind::refused);
  EXPECT_FALSE(rules.circuit().is_open());
}

TEST_F(OutcomeRulesTest, TryLaterBacksOffByItsOwnCountedTries) {
  OutcomeRules rules = this->rules();
  Try attempt = try_of(rules, 1);
  attempt.claim.attempts = 3;
  attempt.claim.tries_in_a_row = 9;  // six of them probes of a destination that was down
  const Verdict verdict = rules.judge(attempt, try_later_answer(), at(1s));
  EXPECT_EQ(verdict.settlement.kind, Settlement::Kind::try_again);
  EXPECT_TRUE(verdict.settlement.attempt.counted);
  EXPECT_EQ(verdict.settlement.not_before, at(9s).wall);
  EXPECT_FALSE(rules.circuit().is_open());
}

TEST_F(OutcomeRulesTest, RetryAfterHoldsTheLaneAndCostsNoAttempt) {
  OutcomeRules rules = this->rules();
  const Verdict verdict = rules.judge(try_of(rules, 1), try_later_answer(30s), at(1s));
  EXPECT_EQ(verdict.settlement.kind, Settlement::Kind::try_again);
  EXPECT_FALSE(verdict.settlement.attempt.counted);
  EXPECT_EQ(verdict.settlement.not_before, at(31s).wall);
  EXPECT_EQ(rules.hold_until(), at(31s).monotonic);
  (void)rules.judge(try_of(rules, 2), try_later_answer(5s), at(2s));
  EXPECT_EQ(rules.hold_until(), at(31s).monotonic) << "a shorter wish doesn't end a longer one";
}

TEST_F(OutcomeRulesTest, RetryAfterOfNothingIsAnOrdinaryTryLater) {
  OutcomeRules rules = this->rules();
  const Verdict verdict = rules.judge(try_of(rules, 1), try_later_answer(0ms), at(0s));
  EXPECT_TRUE(verdict.settlement.attempt.counted) << "or it would be repeated for ever without a pause";
  EXPECT_EQ(verdict.settlement.not_before, at(1s).wall);
}

TEST_F(OutcomeRulesTest, AnAbsurdRetryAfterIsCut) {
  OutcomeRules rules = this->rules();
  (void)rules.judge(try_of(rules, 1), try_later_answer(24h * 365), at(0s));
  EXPECT_EQ(rules.hold_until(), at(1h).monotonic);
}

TEST_F(OutcomeRulesTest, WithoutALimitTryLaterNeverGivesUp) {
  OutcomeRules rules = this->rules();
  Try attempt = try_of(rules, 1);
  attempt.claim.attempts = attempt.claim.tries_in_a_row = 1'000'000;
  earlier_try_laters_ = 1'000'000;
  EXPECT_EQ(rules.judge(attempt, try_later_answer(), at(0s)).settlement.kind, Settlement::Kind::try_again);
}

TEST_F(OutcomeRulesTest, GivesUpAfterSoManyTryLaterAnswersOtherTriesLeftOut) {
  settings_.backoff.give_up_after = 3;
  OutcomeRules rules = this->rules();
  Try attempt = try_of(rules, 1);
  attempt.claim.attempts = 5;  // with unknown ones
  earlier_try_laters_ = 1;
  EXPECT_EQ(rules.judge(attempt, try_later_answer(), at(0s)).settlement.kind, Settlement::Kind::try_again);
  earlier_try_laters_ = std::nullopt;
  EXPECT_EQ(rules.judge(attempt, try_later_answer(), at(0s)).settlement.kind, Settlement::Kind::try_again)
      << "the journal can't tell";
  earlier_try_laters_ = 2;
  const Verdict verdict = rules.judge(attempt, try_later_answer(), at(0s));
  EXPECT_EQ(verdict.settlement.kind, Settlement::Kind::dead_letter);
  EXPECT_EQ(verdict.settlement.attempt.outcome, Outcome::try_later);
  EXPECT_EQ(rules.judge(attempt, unknown_answer(), at(0s)).settlement.kind, Settlement::Kind::try_again);
  EXPECT_EQ(rules.judge(attempt, broken_answer(), at(0s)).settlement.kind, Settlement::Kind::try_again);
}

TEST_F(OutcomeRulesTest, OneTryLaterIsEnoughWhereOneIsTheLimit) {
  settings_.backoff.give_up_after = 1;
  OutcomeRules rules = this->rules();
  EXPECT_EQ(rules.judge(try_of(rules, 1), try_later_answer(), at(0s)).settlement.kind, Settlement::Kind::dead_letter);
}

TEST_F(OutcomeRulesTest, NothingButTryLaterLeavesOneTryAtATimeUntilAnAccept) {
  OutcomeRules rules = this->rules();
  for (std::uint8_t i = 0; i < 7; ++i) (void)rules.judge(try_of(rules, i), try_later_answer(), at(0s));
  EXPECT_EQ(rules.concurrency(), 4U);
  (void)rules.judge(try_of(rules, 8), try_later_answer(), at(0s));
  EXPECT_EQ(rules.concurrency(), 1U);
  (void)rules.judge(try_of(rules, 9), accepted_answer(), at(0s));
  EXPECT_EQ(rules.concurrency(), 4U);
}

TEST_F(OutcomeRulesTest, BrokenOpensTheCircuitAndCostsNothing) {
  OutcomeRules rules = this->rules();
  const Verdict verdict = rules.judge(try_of(rules, 1), broken_answer(), at(0s));
  EXPECT_EQ(verdict.settlement.kind, Settlement::Kind::try_again);
  EXPECT_FALSE(verdict.settlement.attempt.counted);
  EXPECT_FALSE(verdict.settlement.not_before) << "it keeps its place";
  EXPECT_TRUE(rules.circuit().is_open());
}

TEST_F(OutcomeRulesTest, BrokenAgainWhileAnotherWasAcceptedSinceBacksOffAlone) {
  OutcomeRules rules = this->rules();
  (void)rules.judge(try_of(rules, 1), broken_answer(), at(0s));
  (void)rules.judge(try_of(rules, 2, "lab.a", true), accepted_answer(), at(0s));
  ASSERT_FALSE(rules.circuit().is_open());
  Try again = try_of(rules, 1);
  again.claim.tries_in_a_row = 1;
  const Verdict verdict = rules.judge(again, broken_answer(), at(0s));
  EXPECT_FALSE(rules.circuit().is_open());
  EXPECT_FALSE(verdict.settlement.attempt.counted);
  EXPECT_EQ(verdict.settlement.not_before, at(2s).wall);
}

TEST_F(OutcomeRulesTest, TheLonePoisonStaysAloneThroughAQuietNight) {
  OutcomeRules rules = this->rules();
  (void)rules.judge(try_of(rules, 1), broken_answer(), at(0s));
  (void)rules.judge(try_of(rules, 2), accepted_answer(), at(0s));
  for (int i = 0; i < 100; ++i) {
    (void)rules.judge(try_of(rules, 1), broken_answer(), at(i * 5min));
    ASSERT_FALSE(rules.circuit().is_open()) << i;
  }
}

TEST_F(OutcomeRulesTest, AnAcceptDuringTheTrySpeaksForTheDestination) {
  OutcomeRules rules = this->rules();
  const Try overlapping = try_of(rules, 1);
  (void)rules.judge(try_of(rules, 2), accepted_answer(), at(0s));
  (void)rules.judge(overlapping, broken_answer(), at(0s));
  EXPECT_FALSE(rules.circuit().is_open());
  (void)rules.judge(try_of(rules, 3), broken_answer(), at(0s));
  EXPECT_TRUE(rules.circuit().is_open()) << "and no longer than that";
}

TEST_F(OutcomeRulesTest, AClientWithoutRightsOpensTheCircuitOnceNotOnceForEachSubmission) {
  OutcomeRules rules = this->rules();
  (void)rules.judge(try_of(rules, 1, "lab.bad"), broken_answer(ErrorKind::forbidden), at(0s));
  EXPECT_TRUE(rules.circuit().is_open());
  (void)rules.judge(try_of(rules, 2, "lab.good", true), accepted_answer(), at(0s));
  for (std::uint8_t i = 3; i < 100; ++i) {
    const Verdict verdict = rules.judge(try_of(rules, i, "lab.bad"), broken_answer(ErrorKind::forbidden), at(0s));
    ASSERT_FALSE(rules.circuit().is_open()) << int{i};
    ASSERT_TRUE(verdict.settlement.not_before);
  }
}

TEST_F(OutcomeRulesTest, WhenTheDestinationItselfBreaksTheOthersOpenTheCircuit) {
  OutcomeRules rules = this->rules();
  (void)rules.judge(try_of(rules, 1, "lab.bad"), broken_answer(ErrorKind::forbidden), at(0s));
  (void)rules.judge(try_of(rules, 2, "lab.good"), accepted_answer(), at(0s));
  (void)rules.judge(try_of(rules, 3, "lab.bad"), broken_answer(ErrorKind::forbidden), at(0s));
  ASSERT_FALSE(rules.circuit().is_open());
  (void)rules.judge(try_of(rules, 4, "lab.good"), broken_answer(ErrorKind::unreachable), at(0s));
  EXPECT_TRUE(rules.circuit().is_open());
}

TEST_F(OutcomeRulesTest, AnotherKindOfFailureOfThatClientIsHeardToo) {
  OutcomeRules rules = this->rules();
  (void)rules.judge(try_of(rules, 1, "lab.bad"), broken_answer(ErrorKind::forbidden), at(0s));
  (void)rules.judge(try_of(rules, 2, "lab.good"), accepted_answer(), at(0s));
  (void)rules.judge(try_of(rules, 3, "lab.bad"), broken_answer(ErrorKind::unreachable), at(0s));
  EXPECT_TRUE(rules.circuit().is_open());
}

TEST_F(OutcomeRulesTest, AClientThatIsAcceptedAgainIsLetInWithWhatBackedOff) {
  OutcomeRules rules = this->rules();
  (void)rules.judge(try_of(rules, 1, "lab.bad"), broken_answer(ErrorKind::forbidden), at(0s));
  (void)rules.judge(try_of(rules, 2, "lab.good"), accepted_answer(), at(0s));
  for (std::uint8_t i = 3; i < 6; ++i)
    (void)rules.judge(try_of(rules, i, "lab.bad"), broken_answer(ErrorKind::forbidden), at(0s));
  EXPECT_TRUE(rules.let_in_again().empty());
  (void)rules.judge(try_of(rules, 3, "lab.bad"), accepted_answer(), at(0s));
  ASSERT_EQ(rules.let_in_again().size(), 1U);
  EXPECT_EQ(rules.let_in_again().front(), "lab.bad");
  (void)rules.judge(try_of(rules, 4, "lab.bad"), broken_answer(ErrorKind::forbidden), at(0s));
  EXPECT_TRUE(rules.let_in_again().empty()) << "shut out once more";
}

TEST_F(OutcomeRulesTest, APoisonOfAHealthyClientIsNotTriedAgainWheneverThatClientIsAccepted) {
  OutcomeRules rules = this->rules();
  for (int i = 0; i < 10; ++i) {
    Try poison = try_of(rules, 1, "lab.a");
    poison.claim.tries_in_a_row = static_cast<unsigned>(i);
    (void)rules.judge(poison, broken_answer(), at(0s));
    (void)rules.judge(try_of(rules, 2, "lab.b"), accepted_answer(), at(0s));
    (void)rules.judge(try_of(rules, 1, "lab.a"), broken_answer(), at(0s));
    (void)rules.judge(try_of(rules, 3, "lab.a"), accepted_answer(), at(0s));
    EXPECT_TRUE(rules.let_in_again().empty()) << i;
  }
}

TEST_F(OutcomeRulesTest, UnknownCountsAndIsRememberedAsPossiblyDelivered) {
  OutcomeRules rules = this->rules();
  const Verdict verdict = rules.judge(try_of(rules, 1), unknown_answer(), at(0s));
  EXPECT_EQ(verdict.settlement.kind, Settlement::Kind::try_again);
  EXPECT_TRUE(verdict.settlement.attempt.counted);
  EXPECT_TRUE(verdict.settlement.possibly_delivered);
  EXPECT_EQ(verdict.settlement.not_before, at(1s).wall);
  EXPECT_FALSE(rules.circuit().is_open());
}

TEST_F(OutcomeRulesTest, ARefusedProbeOfADestinationThatRefusesEverythingStaysQueuedAndCounts) {
  OutcomeRules rules = this->rules();
  for (std::uint8_t i = 0; i < 10; ++i)
    EXPECT_EQ(rules.judge(try_of(rules, i), refused_answer(), at(0s)).settlement.kind, Settlement::Kind::dead_letter);
  ASSERT_TRUE(rules.circuit().is_open());
  const Verdict verdict = rules.judge(try_of(rules, 11, "lab.a", true), refused_answer(), at(0s));
  EXPECT_EQ(verdict.settlement.kind, Settlement::Kind::try_again);
  EXPECT_TRUE(verdict.settlement.attempt.counted) << "attempts counts tries that ended refused";
  EXPECT_EQ(verdict.settlement.attempt.outcome, Outcome::refused);
}

TEST_F(OutcomeRulesTest, CorruptPayloadsAreDeadLettersAndSayNothingAboutTheDestination) {
  OutcomeRules rules = this->rules();
  for (std::uint8_t i = 0; i < 30; ++i) {
    const Verdict verdict = rules.judge(try_of(rules, i), refused_answer(ErrorKind::corrupt, 0), at(0s));
    EXPECT_EQ(verdict.settlement.kind, Settlement::Kind::dead_letter);
  }
  EXPECT_FALSE(rules.circuit().is_open());
}

TEST_F(OutcomeRulesTest, StuckIsToldOnceAndEndsWithTheDelivery) {
  OutcomeRules rules = this->rules();
  unsigned told = 0;
  for (unsigned i = 0; i < 30; ++i) {
    (void)rules.judge(try_of(rules, 2), accepted_answer(), at(0s));
    Try attempt = try_of(rules, 1);
    (void)rules.judge(try_of(rules, 3), accepted_answer(), at(0s));
    attempt.claim.tries_in_a_row = attempt.claim.attempts = i;
    told += rules.judge(attempt, try_later_answer(), at(0s)).became_stuck ? 1 : 0;
    EXPECT_EQ(rules.stuck(), i + 1 >= 20 ? 1U : 0U) << i;
  }
  EXPECT_EQ(told, 1U);
  (void)rules.judge(try_of(rules, 1), accepted_answer(), at(0s));
  EXPECT_EQ(rules.stuck(), 0U);
}

}  // namespace
}  // namespace relay
