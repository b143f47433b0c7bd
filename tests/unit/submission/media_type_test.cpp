#include "submission/media_type.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

TEST(MediaType, TypeIsLowerCasedAndParametersAreKeptAsSent) {
  const auto type = parse_media_type(" Application/HL7-v2 ; charset=ISO-8859-1;x=\"a;b\\\"c\" ");
  ASSERT_TRUE(type);
  EXPECT_EQ(type->type, "application/hl7-v2");
  EXPECT_EQ(type->parameters, "charset=ISO-8859-1;x=\"a;b\\\"c\"");
}

TEST(MediaType, WithoutParametersThereAreNone) {
  for (const char* text : {"text/csv", "text/csv;", "text/csv ; ", "TEXT/CSV"}) {
    const auto type = parse_media_type(text);
    ASSERT_TRUE(type) << text;
    EXPECT_EQ(type->type, "text/csv");
    EXPECT_EQ(type->parameters, "") << text;
  }
}

TEST(MediaType, TakesNothingElse) {
  for (const std::string& text : {std::string(""),
                                  std::string("text"),
                                  std::string("text/"),
                                  std::string("/csv"),
                                  std::string("text/csv/x"),
                                  std::string("text /csv"),
                                  std::string("text/ csv"),
                                  std::string("text/csv charset=x"),
                                  std::string("text/csv;charset"),
                                  std::string("text/csv;charset="),
                                  std::string("text/csv;=x"),
                                  std::string("text/csv; charset =x"),
                                  std::string("text/csv;a=\"x"),
                                  std::string("text/csv;a=\"x\\"),
                                  std::string("text/csv;a=\"x\"y"),
                                  std::string("text/csv;a=\"x\ny\""),
                                  std::string("text/csv\r\nX: y"),
                                  std::string("text/csv\0", 9),
                                  std::string("text/csv, text/csv"),
                                  std::string("tex(t/csv"),
                                  std::string("täxt/csv")}) {
    EXPECT_FALSE(parse_media_type(text)) << text;
  }
}

TEST(Extension, IsThatOfTheContract) {
  EXPECT_EQ(extension_of("application/hl7-v2"), ".hl7");
  EXPECT_EQ(extension_of("application/fhir+ndjson"), ".fhir");
  EXPECT_EQ(extension_of("application/fhir+json"), ".json");
  EXPECT_EQ(extension_of("text/csv"), ".csv");
  EXPECT_EQ(extension_of("application/xml"), ".xml");
  EXPECT_EQ(extension_of("application/pdf"), ".bin");
}

TEST(Extension, TellsTheTypeBack) {
  EXPECT_EQ(media_type_of_extension(".hl7"), "application/hl7-v2");
  EXPECT_EQ(media_type_of_extension(".HL7"), "application/hl7-v2");
  EXPECT_EQ(media_type_of_extension(".fhir"), "application/fhir+ndjson");
  EXPECT_FALSE(media_type_of_extension(".bin"));
  EXPECT_FALSE(media_type_of_extension(""));
}

}  // namespace
}  // namespace relay
