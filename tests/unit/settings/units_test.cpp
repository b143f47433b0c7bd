#include "settings/units.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

TEST(ByteCountText, TakesEveryUnit) {
  EXPECT_EQ(parse_byte_count("64KiB"), ByteCount{65'536});
  EXPECT_EQ(parse_byte_count("50MB"), ByteCount{50'000'000});
  EXPECT_EQ(parse_byte_count("10GiB"), gibibytes(10));
  EXPECT_EQ(parse_byte_count("1MiB"), mebibytes(1));
  EXPECT_EQ(parse_byte_count("2TiB"), gibibytes(2048));
  EXPECT_EQ(parse_byte_count("3kB"), ByteCount{3'000});
  EXPECT_EQ(parse_byte_count("3KB"), ByteCount{3'000});
  EXPECT_EQ(parse_byte_count("3GB"), ByteCount{3'000'000'000});
  EXPECT_EQ(parse_byte_count("3TB"), ByteCount{3'000'000'000'000});
  EXPECT_EQ(parse_byte_count("17B"), ByteCount{17});
  EXPECT_EQ(parse_byte_count("17"), ByteCount{17});
  EXPECT_EQ(parse_byte_count("0"), ByteCount{0});
}

TEST(ByteCountText, TakesNothingElse) {
  for (const char* text : {"", "MB", "-1MB", "+1MB", "1.5MB", "1 MB", "1mb", "1M", "1Mib", "1e6", "0x10", " 1", "1 ",
                           "18446744073709551616", "18446744073709551615kB", "99999999TiB"}) {
    EXPECT_FALSE(parse_byte_count(text)) << text;
  }
  EXPECT_EQ(parse_byte_count("18446744073709551615"), ByteCount{UINT64_MAX});
}

TEST(ByteCountText, IsWrittenInTheLargestExactUnit) {
  for (const char* text : {"64KiB", "50MB", "10GiB", "1GB", "3kB", "2TiB", "1234B", "0B"}) {
    EXPECT_EQ(format_byte_count(parse_byte_count(text).value()), text);
  }
}

TEST(WholeNumber, IsDigitsAlone) {
  EXPECT_EQ(parse_whole_number("0"), 0U);
  EXPECT_EQ(parse_whole_number("256"), 256U);
  for (const char* text : {"", "-1", "+1", "1.0", "1e3", "0x10", " 1", "1 ", "1_000", "18446744073709551616"}) {
    EXPECT_FALSE(parse_whole_number(text)) << text;
  }
}

TEST(Truth, IsTrueOrFalse) {
  EXPECT_EQ(parse_truth("true"), true);
  EXPECT_EQ(parse_truth("false"), false);
  for (const char* text : {"", "yes", "no", "on", "off", "True", "1", "0"}) EXPECT_FALSE(parse_truth(text)) << text;
}

TEST(FileMode, IsOctal) {
  EXPECT_EQ(parse_file_mode("0660"), 0660U);
  EXPECT_EQ(parse_file_mode("660"), 0660U);
  EXPECT_EQ(parse_file_mode("0o600"), 0600U);
  for (const char* text : {"", "0o", "0680", "01777", "4660", "-660", "rw-rw----", "0x1b0", "00660"}) {
    EXPECT_FALSE(parse_file_mode(text)) << text;
  }
}

}  // namespace
}  // namespace relay
