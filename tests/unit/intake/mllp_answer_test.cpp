// The contract's table of answers, every cell.
#include "intake/mllp_answer.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

using Kind = MllpVerdict::Kind;

std::string answer(Kind kind, AcknowledgementMode mode, std::string_view type) {
  const auto code = answer_to(kind, mode, type);
  return code ? std::string(acknowledgement_code_name(*code)) : "";
}

TEST(MllpAnswer, OriginalAnswersAll) {
  for (const char* type : {"", "AL", "NE", "ER", "SU"}) {
    EXPECT_EQ(answer(Kind::kept, AcknowledgementMode::original, type), "AA");
    EXPECT_EQ(answer(Kind::unfit, AcknowledgementMode::original, type), "AE");
    EXPECT_EQ(answer(Kind::rejected, AcknowledgementMode::original, type), "AR");
    EXPECT_EQ(answer(Kind::unavailable, AcknowledgementMode::original, type), "AR");
  }
}

TEST(MllpAnswer, EnhancedAnswersAsAsked) {
  const auto of = [](Kind kind, std::string_view type) { return answer(kind, AcknowledgementMode::enhanced, type); };
  for (const char* always : {"", "AL", "XX"}) {
    EXPECT_EQ(of(Kind::kept, always), "CA");
    EXPECT_EQ(of(Kind::unfit, always), "CE");
    EXPECT_EQ(of(Kind::rejected, always), "CR");
    EXPECT_EQ(of(Kind::unavailable, always), "CE");
  }
  EXPECT_EQ(of(Kind::kept, "ER"), "");
  EXPECT_EQ(of(Kind::unfit, "ER"), "CE");
  EXPECT_EQ(of(Kind::rejected, "ER"), "CR");
  EXPECT_EQ(of(Kind::kept, "SU"), "CA");
  EXPECT_EQ(of(Kind::unfit, "SU"), "");
  EXPECT_EQ(of(Kind::rejected, "SU"), "");
  for (const Kind kind : {Kind::kept, Kind::unfit, Kind::rejected, Kind::unavailable}) EXPECT_EQ(of(kind, "NE"), "");
}

TEST(MllpAnswer, AutomaticIsEnhancedWhereTheSenderSaysSo) {
  const auto of = [](std::string_view type) { return answer(Kind::kept, AcknowledgementMode::automatic, type); };
  EXPECT_EQ(of("AL"), "CA");
  EXPECT_EQ(of("SU"), "CA");
  EXPECT_EQ(of("ER"), "");
  EXPECT_EQ(of(""), "AA");
  EXPECT_EQ(of("NE"), "AA");
}

TEST(MllpAnswer, WhatCannotBeKeptNowIsUnavailableAnd207) {
  for (const ProblemName name : {ProblemName::journal_full, ProblemName::disk_low, ProblemName::journal_failing,
                                 ProblemName::memory_full, ProblemName::stopping, ProblemName::rate_limited}) {
    const MllpVerdict verdict = verdict_of({name, "words"});
    EXPECT_EQ(verdict.kind, Kind::unavailable) << problem_name(name);
    EXPECT_EQ(verdict.error->code, MessageErrorCode::application_internal_error);
  }
}

TEST(MllpAnswer, RejectionsHaveCodesThatMeanForGood) {
  for (const ProblemName name : {ProblemName::no_route, ProblemName::no_client, ProblemName::client_not_allowed}) {
    const MllpVerdict verdict = verdict_of({name, "words"});
    EXPECT_EQ(verdict.kind, Kind::rejected) << problem_name(name);
    const int code = static_cast<int>(verdict.error->code);
    EXPECT_TRUE(code >= 200 && code <= 203);
  }
  for (const ProblemName name :
       {ProblemName::invalid_payload, ProblemName::payload_too_large, ProblemName::content_type_not_taken}) {
    EXPECT_EQ(verdict_of({name, "words"}).kind, Kind::unfit) << problem_name(name);
  }
}

}  // namespace
}  // namespace relay
