#include "intake/payload_validator.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

// What the validator says of a payload that comes in pieces of that size.
std::optional<std::string> verdict(std::unique_ptr<PayloadValidator> validator, std::string_view payload,
                                   std::size_t piece) {
  for (std::size_t at = 0; at < payload.size(); at += piece) validator->feed(payload.substr(at, piece));
  validator->finish();
  return validator->problem();
}

struct Case {
  std::string payload;
  std::optional<std::string> problem;  // how it begins; nothing: valid
};

void check(std::string_view media_type, const Case& wanted) {
  for (const std::size_t piece :
       {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}, std::size_t{100'000}}) {
    const auto problem = verdict(make_payload_validator(media_type), wanted.payload, piece);
    EXPECT_EQ(problem.has_value(), wanted.problem.has_value())
        << "in pieces of " << piece << ": " << problem.value_or("valid") << " for\n"
        << wanted.payload.substr(0, 200);
    if (problem && wanted.problem) {
      EXPECT_TRUE(problem->starts_with(*wanted.problem)) << *problem;
      EXPECT_EQ(problem->find("SECRET"), std::string::npos) << *problem;
    }
  }
}

class Hl7 : public testing::TestWithParam<Case> {};
TEST_P(Hl7, BeginsWithAReadableHeader) {
  check("application/hl7-v2", GetParam());
}

INSTANTIATE_TEST_SUITE_P(Valid, Hl7,
                         testing::Values(Case{"MSH|^~\\&|LAB\r", {}}, Case{"MSH|^~\\&|LAB\nPID|1", {}},
                                         Case{"BHS|^~\\&|LAB\r\nMSH|^~\\&|", {}}, Case{"FHS|^~\\&|LAB", {}},
                                         Case{"\xEF\xBB\xBFMSH|^~\\&|LAB\r", {}}, Case{"MSH$%~\\&$LAB\r", {}},
                                         Case{"MSH|^~\\&#|LAB\r", {}}, Case{"MSH|^~\\&", {}}, Case{"MSH|^~|LAB", {}},
                                         Case{std::string("MSH|^~\\&|\xE4\x00\x0B", 12), {}}));
INSTANTIATE_TEST_SUITE_P(Invalid, Hl7,
                         testing::Values(Case{"MSH", "line 1: "}, Case{"MSH|", "line 1: "},
                                         Case{"MSH||LAB", "line 1: "}, Case{"msh|^~\\&|LAB", "line 1: "},
                                         Case{"SECRET", "line 1: "}, Case{" MSH|^~\\&|LAB", "line 1: "},
                                         Case{"\rMSH|^~\\&|LAB", "line 1: "}, Case{"PID|1|SECRET", "line 1: "},
                                         Case{"MSHA^~\\&ALAB", "line 1: "}, Case{"MSH|abcd|SECRET", "line 1: "},
                                         Case{"MSH|^~\\&#!|LAB", "line 1: "}, Case{"MSH ^~\\& LAB", "line 1: "},
                                         Case{std::string("\xFF\xFEM\0S\0H\0|\0", 10), "line 1: "},
                                         Case{"\xEF\xBB\xBF", "line 1: "},
                                         Case{"\xEF\xBB\xBF\xEF\xBB\xBFMSH|^~\\&|LAB", "line 1: "},
                                         Case{"{\"resourceType\":\"Bundle\"}", "line 1: "}));

class FhirNdjson : public testing::TestWithParam<Case> {};
TEST_P(FhirNdjson, HasOneResourceALine) {
  check("application/fhir+ndjson", GetParam());
}

const std::string bundle = R"({"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient"}}]})";

std::string nested(std::size_t depth) {
  return R"({"resourceType":"Bundle","a":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
}

INSTANTIATE_TEST_SUITE_P(Valid, FhirNdjson,
                         testing::Values(Case{bundle, {}}, Case{bundle + "\n", {}},
                                         Case{bundle + "\r\n" + bundle + "\r\n", {}}, Case{bundle + "\n" + bundle, {}},
                                         Case{R"({"a":{"b":[1,2.5e3,null,true]},"resourceType":"X"})", {}},
                                         Case{R"( { "resource\u0054ype" : "Bundle" } )", {}},
                                         Case{"{\"resourceType\":\"B\xC3\xA4\"}", {}},
                                         Case{R"({"resourceType":"Bundle","resourceTypeX":1,"resourceTyp":{}})", {}},
                                         Case{nested(150), {}}));
INSTANTIATE_TEST_SUITE_P(
    Invalid, FhirNdjson,
    testing::Values(
        Case{"\n", "line 1: the line is blank"}, Case{bundle + "\n\n" + bundle, "line 2: the line is blank"},
        Case{bundle + "\n\n", "line 2: the line is blank"},
        Case{bundle + "\n \t\r\n" + bundle, "line 2: the line is blank"},
        Case{bundle + "\r\n\r\n", "line 2: the line is blank"},
        Case{bundle + "\n" + bundle + "\n{\"a\":\"SECRET", "line 3: the line isn't one JSON object"},
        Case{"[" + bundle + "]", "line 1: the line isn't one JSON object"},
        Case{"\"resourceType\"", "line 1: the line isn't one JSON object"}, Case{"1", "line 1: the line isn't one"},
        Case{bundle + bundle, "line 1: the line isn't one"}, Case{bundle + " " + bundle, "line 1: the line isn't one"},
        Case{bundle + "\r" + bundle, "line 1: the line isn't one"}, Case{bundle + ",\n", "line 1: the line isn't one"},
        Case{"{\"resourceType\":\n\"Bundle\"}", "line 1: the line isn't one"},
        Case{"{\"SECRET\":1}", "line 1: the object has no resourceType"},
        Case{"{\"a\":{\"resourceType\":\"SECRET\"}}", "line 1: the object has no"},
        Case{"{\"resourceType\":5}", "line 1: the object has no"},
        Case{"{\"resourceType\":\"\"}", "line 1: the object has no"},
        Case{"{\"resourceType\":[\"SECRET\"]}", "line 1: the object has no"},
        Case{"{\"ResourceType\":\"SECRET\"}", "line 1: the object has no"},
        Case{"{\"a\":\"resourceType\",\"b\":\"SECRET\"}", "line 1: the object has no"},
        Case{"\xEF\xBB\xBF" + bundle, "line 1: the line isn't one"},
        Case{"MSH|^~\\&|SECRET\r", "line 1: the line isn't one"},
        Case{"{\"resourceType\":\"\xFF\"}", "line 1: the line isn't one"},
        Case{"{'resourceType':'Bundle'}", "line 1: the line isn't one"},
        Case{"// SECRET\n" + bundle, "line 1: the line isn't one"},
        Case{nested(10'000), "line 1: the line isn't one"}));

TEST(PayloadValidator, LetsEveryOtherContentTypePass) {
  EXPECT_EQ(make_payload_validator("application/xml"), nullptr);
  EXPECT_EQ(make_payload_validator("application/fhir+json"), nullptr);
}

std::optional<std::string> problem_in_a_frame(const std::string& payload, std::unique_ptr<PayloadValidator> first) {
  const auto validator = make_mllp_frame_validator(std::move(first));
  for (const char byte : payload) validator->feed({&byte, 1});
  validator->finish();
  return validator->problem();
}

TEST(MllpFrameValidator, WantsANameAndNoBytesThatEndOrBeginAFrame) {
  const std::string named = "MSH|^~\\&|A|||||||17\rPID|1\r";
  EXPECT_FALSE(problem_in_a_frame(named, nullptr));
  EXPECT_FALSE(problem_in_a_frame("BHS|^~\\&|A||||||||B7\rMSH|^~\\&|A\r", nullptr));
  EXPECT_TRUE(problem_in_a_frame("MSH|^~\\&|A\rPID|1\r", nullptr)->starts_with("line 1: no MSH-10"));
  EXPECT_TRUE(problem_in_a_frame(named + "OBX|SECRET\x1c\r", nullptr)->starts_with("line 3: a byte"));
  EXPECT_TRUE(problem_in_a_frame(named + "\x0b", make_hl7_validator())->starts_with("line 3: a byte"));
  EXPECT_TRUE(problem_in_a_frame("MSHx\r", make_hl7_validator())->starts_with("line 1: no readable MSH"));
}

class Csv : public testing::TestWithParam<Case> {};
TEST_P(Csv, HasOneColumnCountThroughout) {
  check("text/csv", GetParam());
}

std::string rows(std::size_t count) {
  std::string text = "a,b\r\n";
  for (std::size_t i = 0; i < count; ++i) text += "1,2\r\n";
  return text;
}

INSTANTIATE_TEST_SUITE_P(Valid, Csv,
                         testing::Values(Case{"a,b\r\n1,2\r\n", {}}, Case{"a,b\n1,2", {}}, Case{"a,b\r1,2\r", {}},
                                         Case{"a\n1\n\n2\n", {}}, Case{"a,b\n,\n", {}},
                                         Case{"\xEF\xBB\xBF\"a\",b\n1,2", {}},
                                         Case{"a,b\n\"x,y\r\nz\",\"say \"\"hi\"\"\"\n", {}},
                                         Case{"a,b\n\"\",\"\"\n", {}}, Case{"a,b\n1,\xE4\n", {}},
                                         Case{rows(10'000), {}}, Case{std::string(1'999, ',') + "\n", {}}));
INSTANTIATE_TEST_SUITE_P(Invalid, Csv,
                         testing::Values(Case{"a,b\n1\n", "line 2: "}, Case{"a,b\n1,2,SECRET\n", "line 2: "},
                                         Case{"a,b\n\"x\ny\",2\n1\n", "line 4: "}, Case{"a,b\n1,2\n\n", "line 3: "},
                                         Case{"a,b\n\"SECRET\n1,2\n", "line 2: a quoted field"},
                                         Case{"a,b\n1,SE\"CRET\n", "line 2: a quote"},
                                         Case{"a,b\n\"1\"SECRET,2\n", "line 2: text stands"},
                                         Case{"a,b\r\n1,2\r\n1\r\n", "line 3: "}, Case{rows(10'001), "line 10002: "},
                                         Case{std::string(2'000, ','), "line 1: "},
                                         Case{"\xEF\xBB\xBF", "line 1: there is no header"}));

}  // namespace
}  // namespace relay
