#include "base/json_text.hpp"

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>
#include <limits>

namespace relay {
namespace {

TEST(JsonText, PutsCommasBetweenWhatStandsBesideEachOther) {
  JsonText json;
  json.begin_object();
  json.key("empty");
  json.begin_object();
  json.end_object();
  json.key("list");
  json.begin_array();
  json.number(-1);
  json.number(std::numeric_limits<std::int64_t>::max());
  json.null();
  json.begin_array();
  json.end_array();
  json.begin_object();
  json.key("a");
  json.boolean(true);
  json.key("b");
  json.boolean(false);
  json.end_object();
  json.string("");
  json.end_array();
  json.key("last");
  json.string("text");
  json.end_object();
  EXPECT_EQ(json.take(),
            R"({"empty":{},"list":[-1,9223372036854775807,null,[],{"a":true,"b":false},""],"last":"text"})");
}

// The comma goes by the last byte: inside a string that byte is a quotation mark.
TEST(JsonText, IsNotMisledByStringsThatEndLikeSyntax) {
  JsonText json;
  json.begin_array();
  for (const char* text : {"{", "[", ":", ",", "\""}) json.string(text);
  json.end_array();
  EXPECT_EQ(json.take(), R"(["{","[",":",",","\""])");
}

TEST(JsonText, EscapesEveryCharacterAsTheLibraryDoes) {
  for (int c = 0; c < 256; ++c) {
    const std::string text = "a" + std::string(1, static_cast<char>(c)) + "z";
    JsonText json;
    json.begin_object();
    json.key_of_any_text(text);
    json.string(text);
    json.end_object();
    const std::string quoted = boost::json::serialize(boost::json::string_view(text));
    EXPECT_EQ(json.take(), "{" + quoted + ":" + quoted + "}") << c;
  }
}

}  // namespace
}  // namespace relay
