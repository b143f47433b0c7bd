#include "submission/delivery.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace relay {
namespace {

using enum DeliveryState;

SubmissionState folded(std::vector<DeliveryState> states) {
  return fold_states(states);
}

TEST(FoldStates, FollowsTheContractsOrder) {
  EXPECT_EQ(folded({queued}), SubmissionState::queued);
  EXPECT_EQ(folded({delivered}), SubmissionState::delivered);
  EXPECT_EQ(folded({dead_letter}), SubmissionState::dead_letter);
  EXPECT_EQ(folded({discarded}), SubmissionState::discarded);
  EXPECT_EQ(folded({delivered, queued, dead_letter, discarded}), SubmissionState::dead_letter);
  EXPECT_EQ(folded({delivered, queued, discarded}), SubmissionState::queued);
  EXPECT_EQ(folded({delivered, delivered}), SubmissionState::delivered);
  EXPECT_EQ(folded({discarded, discarded}), SubmissionState::discarded);
  EXPECT_EQ(folded({discarded, delivered}), SubmissionState::partially_delivered);
}

TEST(FoldStates, NoStateIsABug) {
  EXPECT_THROW(folded({}), std::logic_error);
}

TEST(Names, EveryOneReadsBack) {
  for (const auto state : {queued, delivered, dead_letter, discarded}) {
    EXPECT_EQ(parse_delivery_state(delivery_state_name(state)), state);
  }
  for (int i = 1; i <= 5; ++i) {
    EXPECT_EQ(parse_submission_state(submission_state_name(static_cast<SubmissionState>(i))),
              static_cast<SubmissionState>(i));
    EXPECT_EQ(parse_outcome(outcome_name(static_cast<Outcome>(i))), static_cast<Outcome>(i));
  }
  for (int i = 1; i <= static_cast<int>(ErrorKind::set_aside); ++i) {
    EXPECT_EQ(parse_error_kind(error_kind_name(static_cast<ErrorKind>(i))), static_cast<ErrorKind>(i));
  }
  for (int i = 1; i <= static_cast<int>(Intake::import); ++i) {
    EXPECT_EQ(parse_intake(intake_name(static_cast<Intake>(i))), static_cast<Intake>(i));
  }
}

TEST(Names, AreTheContractsWords) {
  EXPECT_EQ(delivery_state_name(dead_letter), "dead_letter");
  EXPECT_EQ(submission_state_name(SubmissionState::partially_delivered), "partially_delivered");
  EXPECT_EQ(outcome_name(Outcome::try_later), "try_later");
  EXPECT_EQ(error_kind_name(ErrorKind::unexpected_answer), "unexpected_answer");
  EXPECT_EQ(intake_name(Intake::azure_storage_queue), "azure_storage_queue");
  EXPECT_FALSE(parse_delivery_state("Queued"));
  EXPECT_FALSE(parse_error_kind(""));
}

TEST(Names, AValueOutsideTheEnumerationIsABug) {
  EXPECT_THROW(outcome_name(static_cast<Outcome>(0)), std::logic_error);
}

}  // namespace
}  // namespace relay
