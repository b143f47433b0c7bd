#include "intake/hl7_acknowledgement.hpp"

#include <gtest/gtest.h>

#include <set>

namespace relay {
namespace {

const WallTime now = *parse_rfc3339("2026-11-24T18:00:00.123Z");

std::string answer(std::string_view text, AcknowledgementCode code, const std::optional<MessageError>& error = {}) {
  Hl7HeaderReader reader;
  reader.feed(text);
  reader.finish();
  return write_acknowledgement(acknowledged_message(reader), code, error, "OURS", now);
}

const MessageError busy{MessageErrorCode::application_internal_error, "Full; try again | later."};

TEST(Hl7Acknowledgement, TurnsTheSendersHeaderRound) {
  EXPECT_EQ(answer("MSH|^~\\&|LABSYS^1^ISO|LAB|RELAY|STATE|2026||ORU^R01^ORU_R01|M-1|D^T|2.5.1|||||||8859/1\r",
                   AcknowledgementCode::AA),
            "MSH|^~\\&|RELAY|STATE|LABSYS^1^ISO|LAB|20261124180000+0000||ACK^R01^ACK|OURS|D^T|2.5.1\r"
            "MSA|AA|M-1\r");
}

TEST(Hl7Acknowledgement, CopiesTheCharacterSet) {
  const std::string text = answer("MSH|^~\\&|||||||ORU|M-1|P|2.5||||||8859/1|\r", AcknowledgementCode::AA);
  EXPECT_NE(text.find("|P|2.5||||||8859/1\r"), std::string::npos) << text;
}

TEST(Hl7Acknowledgement, ErrorsHaveTheFormOfTheVersion) {
  EXPECT_EQ(answer("MSH|^~\\&|||||||ORU^R01|M-1|P|2.4\r", AcknowledgementCode::AR, busy),
            "MSH|^~\\&|||||20261124180000+0000||ACK^R01^ACK|OURS|P|2.4\r"
            "MSA|AR|M-1|Full; try again \\F\\ later.\r"
            "ERR|^^^207&Application internal error&HL70357\r");
  EXPECT_EQ(answer("MSH|^~\\&|||||||ORU^R01|M-1|P|2.5\r", AcknowledgementCode::CE, busy),
            "MSH|^~\\&|||||20261124180000+0000||ACK^R01^ACK|OURS|P|2.5\r"
            "MSA|CE|M-1\r"
            "ERR|||207^Application internal error^HL70357|E||||Full; try again \\F\\ later.\r");
}

TEST(Hl7Acknowledgement, OfWhatCannotBeReadItSaysNothingBack) {
  EXPECT_EQ(answer("GET / HTTP/1.1\r\n", AcknowledgementCode::AR),
            "MSH|^~\\&|||||20261124180000+0000||ACK|OURS|P|2.5.1\rMSA|AR|\r");
}

TEST(Hl7Acknowledgement, OtherSeparatorsAreItsOwnToo) {
  const std::string text = answer("MSH#*%!@#A#B#C#D###ORU*R01#M-1#P#2.3#\r", AcknowledgementCode::AE, busy);
  EXPECT_EQ(text,
            "MSH#*%!@#C#D#A#B#20261124180000+0000##ACK*R01#OURS#P#2.3\r"
            "MSA#AE#M-1#Full; try again | later.\r"
            "ERR#***207@Application internal error@HL70357\r");
}

TEST(Hl7Acknowledgement, NothingOfTheSendersEndsASegmentOrAFrame) {
  const std::string text = answer("MSH|^~\\&|A\x0b\x1c|B|C|D|||ORU^R\x1c|M\x0b\x1c-1|P|2.5\r", AcknowledgementCode::AA);
  EXPECT_EQ(text.find_first_of("\x0b\x1c"), std::string::npos);
  EXPECT_NE(text.find("MSA|AA|M-1\r"), std::string::npos);
}

TEST(Hl7Acknowledgement, ABatchsControlIdFitsIntoTheMessagesSeparators) {
  const std::string text = answer("BHS#^~\\&#A#B#######B|1\rMSH|^~\\&|||||||ORU|M-1|P|2.5\r", AcknowledgementCode::AA);
  EXPECT_NE(text.find("MSA|AA|B\\F\\1\r"), std::string::npos) << text;
}

TEST(Hl7Acknowledgement, ControlIdsAreShortAndDiffer) {
  UuidGenerator ids(system_clock());
  std::set<std::string> seen;
  for (int i = 0; i < 10'000; ++i) {
    const std::string id = acknowledgement_control_id(ids.next());
    EXPECT_EQ(id.size(), 20U);
    seen.insert(id);
  }
  EXPECT_EQ(seen.size(), 10'000U);
}

}  // namespace
}  // namespace relay
