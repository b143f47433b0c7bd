#include "base/utf8.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

TEST(Utf8, KnowsTheLengthOfACharacter) {
  EXPECT_EQ(utf8_length("a"), 1U);
  EXPECT_EQ(utf8_length("üx"), 2U);
  EXPECT_EQ(utf8_length("\u20ACx"), 3U);
  EXPECT_EQ(utf8_length("\U0001F600x"), 4U);
  EXPECT_EQ(utf8_length("\xF4\x8F\xBF\xBF"), 4U);
}

TEST(Utf8, WhatIsNoCharacterHasNone) {
  for (const char* text : {"\x80", "\xC0\x80", "\xC1\xBF", "\xC3", "\xC3(", "\xE0\x9F\xBF", "\xE2\x82", "\xED\xA0\x80",
                           "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"}) {
    EXPECT_EQ(utf8_length(text), 0U) << text;
    EXPECT_FALSE(is_utf8(std::string("a") + text));
  }
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("ä\u20AC"));
}

}  // namespace
}  // namespace relay
