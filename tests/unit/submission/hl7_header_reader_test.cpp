#include "submission/hl7_header_reader.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

const std::string msh = "MSH|^~\\&|LABSYS^1.2.3^ISO|LAB|RELAY|STATE|20261124||ORU^R01^ORU_R01|M-1|P^T|2.5.1|||AL|NE";

Hl7HeaderReader read(std::string_view text, std::size_t step = 1'000'000) {
  Hl7HeaderReader reader;
  for (std::size_t at = 0; at < text.size(); at += step) reader.feed(text.substr(at, step));
  reader.finish();
  return reader;
}

TEST(Hl7HeaderReader, ReadsTheFieldsOfAMessageHeaderInAnyPieces) {
  for (const std::size_t step : {1U, 2U, 3U, 7U, 1000U}) {
    const auto reader = read(msh + "\rPID|1\r", step);
    ASSERT_TRUE(reader.message_header()) << step;
    const Hl7HeaderSegment& header = *reader.message_header();
    EXPECT_EQ(header.field(3), "LABSYS^1.2.3^ISO");
    EXPECT_EQ(header.component(3, 1), "LABSYS");
    EXPECT_EQ(header.component(9, 2), "R01");
    EXPECT_EQ(header.field(10), "M-1");
    EXPECT_EQ(header.field(15), "AL");
    EXPECT_EQ(header.field(16), "NE");
    EXPECT_EQ(header.field(17), "");
    EXPECT_EQ(header.component(9, 9), "");
    EXPECT_EQ(reader.control_id(), "M-1");
    EXPECT_EQ(reader.readable(), true);
    EXPECT_EQ(reader.messages(), 1U);
    EXPECT_FALSE(reader.batch());
  }
}

TEST(Hl7HeaderReader, TakesAnyLineEndsAndAByteOrderMark) {
  for (const char* end : {"\r", "\n", "\r\n"}) {
    const auto reader = read("\xEF\xBB\xBF" + msh + end + "PID|1" + end, 2);
    EXPECT_EQ(reader.readable(), true);
    EXPECT_EQ(reader.control_id(), "M-1");
  }
  EXPECT_EQ(read(msh).readable(), true) << "the last segment needs no end";
}

TEST(Hl7HeaderReader, TellsWhatItCannotRead) {
  using namespace std::string_view_literals;
  for (const std::string_view text :
       {"PID|1\r"sv, "MSH"sv, "MSHA^~\\&|"sv, "MSH||LAB"sv, "msh|^~\\&|"sv, "\rMSH|^~\\&|"sv, "M\0S\0H\0|\0"sv,
        "\xFF\xFEM\0S\0H\0"sv, "\xEF\xBBMSH|^~\\&|"sv, "MSH|^~\\&#?!|x"sv}) {
    for (const std::size_t step : {1U, 1000U}) EXPECT_EQ(read(text, step).readable(), false) << text;
  }
}

TEST(Hl7HeaderReader, LineEndsAloneAreBlank) {
  EXPECT_TRUE(read("").blank());
  EXPECT_TRUE(read("\r\n\r").blank());
  EXPECT_FALSE(read("\rM").blank());
}

TEST(Hl7HeaderReader, ABatchIsKnownByItsOwnControlIdThenItsFilesThenItsFirstMessages) {
  const std::string fhs = "FHS|^~\\&|A|B|||||||F-1\r";
  const std::string bhs = "BHS|^~\\&|A|B|||||||B-1\r";
  const std::string nameless = "BHS|^~\\&|A|B\r";
  EXPECT_EQ(read(bhs + msh).control_id(), "B-1");
  EXPECT_EQ(read(fhs + bhs + msh).control_id(), "B-1");
  EXPECT_EQ(read(fhs + nameless + msh).control_id(), "F-1");
  EXPECT_EQ(read(nameless + msh).control_id(), "M-1");
  EXPECT_EQ(read(nameless).control_id(), "");
  EXPECT_TRUE(read(bhs).batch());
  EXPECT_EQ(read(msh + "\r" + bhs).control_id(), "M-1") << "it began with a message";
}

TEST(Hl7HeaderReader, LooksAtTheProcessingIdOfEveryMessage) {
  const auto with = [](const std::string& id) { return "MSH|^~\\&|||||||||" + id + "|2.5\r"; };
  const auto ids = read(with("P") + with("P^T")).processing_ids();
  EXPECT_TRUE(ids.production && !ids.test && !ids.other);
  EXPECT_TRUE(read(with("P") + with("D")).processing_ids().test);
  EXPECT_TRUE(read(with("P") + with("")).processing_ids().other);
  EXPECT_TRUE(read(with("P") + with("p")).processing_ids().other);
  EXPECT_TRUE(read(with("P") + "MSHx\r").processing_ids().other) << "a header that can't be read is no production";
  EXPECT_EQ(read(with("P") + "NTE|1||MSH|^~\\&\r").messages(), 1U) << "within a segment it is content";
}

TEST(Hl7HeaderReader, HoldsLittleOfALongHeader) {
  const auto reader = read(msh + "|" + std::string(1'000'000, 'x') + "\r", 1000);
  EXPECT_EQ(reader.control_id(), "M-1");
}

}  // namespace
}  // namespace relay
