// The table of answers of destination `mllp`, line by line.
#include "destinations/mllp_answers.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

AttemptResult classify(const std::string& code, const std::string& errors = "", const std::string& version = "2.5.1") {
  const std::string text = "MSH|^~\\&|STATE||LAB||20261124||ACK|A1|P|" + version + "\rMSA|" + code + "|17\r" + errors;
  const auto answer = read_hl7_answer(text);
  if (!answer) {
    ADD_FAILURE() << "no acknowledgement: " << text;
    return {};
  }
  EXPECT_EQ(answer->control_id, "17");
  AttemptResult result = classify_mllp_answer(*answer, text);
  EXPECT_EQ(result.error.has_value(), result.outcome != Outcome::accepted);
  EXPECT_EQ(result.possibly_delivered, result.outcome == Outcome::unknown);
  return result;
}

TEST(MllpAnswers, EachCodeMeansOneThing) {
  EXPECT_EQ(classify("AA").outcome, Outcome::accepted);
  EXPECT_EQ(classify("CA").outcome, Outcome::accepted);
  EXPECT_EQ(classify("AE").outcome, Outcome::refused);
  EXPECT_EQ(classify("CE").outcome, Outcome::refused);
  EXPECT_EQ(classify("AR").outcome, Outcome::try_later);
  EXPECT_EQ(classify("CR").outcome, Outcome::try_later);
  EXPECT_EQ(classify("XX").outcome, Outcome::unknown);
}

TEST(MllpAnswers, LockedAndInternalErrorAreTriedLaterWhateverTheCode) {
  for (const char* code : {"AE", "AR", "CE", "CR"}) {
    for (const char* error : {"206", "207"}) {
      const std::string segment = std::string("ERR||PID^1|") + error + "^x^HL70357|E\r";
      EXPECT_EQ(classify(code, segment).outcome, Outcome::try_later) << code << error;
      EXPECT_EQ(classify(code, std::string("ERR|PID^1^3^") + error + "&x&HL70357\r", "2.3").outcome, Outcome::try_later)
          << code << error << " in ERR-1.4";
    }
  }
  EXPECT_EQ(classify("AE", "ERR||PID^1|101^x|E\rERR||PID^2|207^x|E\r").outcome, Outcome::try_later) << "in any ERR";
  EXPECT_EQ(classify("AE", "ERR|PID^1^3^101~PID^1^4^207\r", "2.3").outcome, Outcome::try_later) << "in any repetition";
  EXPECT_EQ(classify("AE", "ERR|PID^1^3^207|PID^1|101^x|E\r").outcome, Outcome::refused) << "ERR-3 is what counts";
}

TEST(MllpAnswers, ARejectionOfTheKindOfMessageIsARefusalAndOthersAreTriedLater) {
  for (const char* code : {"AR", "CR"}) {
    for (const char* error : {"200", "201", "202", "203"})
      EXPECT_EQ(classify(code, std::string("ERR||MSH^1|") + error + "^x|E\r").outcome, Outcome::refused) << error;
    for (const char* error : {"100", "204", "205"})
      EXPECT_EQ(classify(code, std::string("ERR||MSH^1|") + error + "^x|E\r").outcome, Outcome::try_later) << error;
  }
}

TEST(MllpAnswers, OnlyCodesOfTheTableGetIntoTheMessage) {
  const auto result = classify("AE", "ERR||PID^1|101^x|E\rERR||PID^1|DOE JOHN^x|E\r");
  EXPECT_NE(result.error->message.find("AE with error 101"), std::string::npos);
  EXPECT_EQ(result.error->message.find("DOE"), std::string::npos);
  EXPECT_NE(result.error->remote_text.find("DOE"), std::string::npos);
}

TEST(MllpAnswers, AnyBytesAreRead) {
  EXPECT_FALSE(read_hl7_answer("MSH"));
  EXPECT_FALSE(read_hl7_answer("MSH|^~\\&|"));
  EXPECT_TRUE(read_hl7_answer("MSH|^|a\rERR\rERR|\rERR|^^^\rERR||||\rMSA|AA|1"));
}

}  // namespace
}  // namespace relay
