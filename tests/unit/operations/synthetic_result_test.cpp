// `submit --test` sends something that every reader takes for a test, and that no check of ours refuses.
#include "operations/synthetic_result.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace relay {
namespace {

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

TEST(SyntheticResult, IsAnOruWithProcessingIdTest) {
  const std::string message = synthetic_hl7_result(*parse_rfc3339("2026-11-24T18:00:00.123Z"), "T0123");
  const auto segments = split(message, '\r');
  const auto header = split(segments.at(0), '|');
  EXPECT_EQ(header.at(0) + "|" + header.at(1), "MSH|^~\\&");
  EXPECT_EQ(header.at(6), "20261124180000+0000");
  EXPECT_EQ(header.at(8), "ORU^R01^ORU_R01");
  EXPECT_EQ(header.at(9), "T0123");
  EXPECT_EQ(header.at(10), "T");
  EXPECT_EQ(header.at(11), "2.5.1");
  EXPECT_EQ(segments.back(), "") << "every segment ends with CR";
  EXPECT_EQ(message.find('\n'), std::string::npos);
  std::string names;
  for (const auto& segment : segments) names += segment.substr(0, 3) + " ";
  EXPECT_EQ(names, "MSH SFT PID ORC OBR OBX NTE SPM  ");
}

}  // namespace
}  // namespace relay
