// Which order a message belongs to, read in any pieces.
#include "submission/hl7_order_number.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

std::string number_of(std::string_view message, std::size_t piece = 4096) {
  Hl7OrderNumberReader reader;
  for (std::size_t at = 0; at < message.size(); at += piece) reader.feed(message.substr(at, piece));
  reader.finish();
  return std::string(reader.number());
}

constexpr std::string_view header = "MSH|^~\\&|A|B\rPID|1||77\r";

TEST(Hl7OrderNumber, IsTheFirstOrc3ElseTheFirstObr3) {
  EXPECT_EQ(number_of(std::string(header) + "OBR|1|P1|F1\rORC|RE|P2|F2^LAB^1.2.3^ISO\rORC|RE||F3\r"),
            "F2^LAB^1.2.3^ISO");
  EXPECT_EQ(number_of(std::string(header) + "ORC|RE|P2|\rOBR|1|P1|F1|X\rOBR|2|P1|F9\r"), "F1");
  EXPECT_EQ(number_of(std::string(header) + "ORC|RE\rOBR|1\rOBX|1||F"), "");
  EXPECT_EQ(number_of(std::string(header) + "ORC|RE|P|\"\"\rOBR|1|P|F1"), "F1") << "HL7's null says nothing";
  EXPECT_EQ(number_of(""), "");
}

TEST(Hl7OrderNumber, InAnyPiecesSegmentEndsAndSeparators) {
  for (std::size_t piece = 1; piece < 12; ++piece) {
    EXPECT_EQ(number_of("\xEF\xBB\xBFMSH#*~\\&#A\r\nORC#RE##12*LAB\r\nOBR#1##9\r\n", piece), "12*LAB") << piece;
    EXPECT_EQ(number_of("MSH|^~\\&|A\nOBX|1|ORC|RE||no\nOBR|1||9", piece), "9") << piece;
  }
  EXPECT_EQ(number_of(std::string(header) + "NTE|" + std::string(300'000, 'x') + "\rORC|||7\r", 1000), "7");
}

}  // namespace
}  // namespace relay
