#include "destinations/envelope_raw.hpp"

#include <gtest/gtest.h>

#include "base/digest.hpp"

namespace relay {
namespace {

std::string message_of(std::string_view payload, RawEncoding encoding) {
  auto xml = raw_message_xml(payload, encoding);
  EXPECT_TRUE(xml.ok());
  return xml ? *xml : std::string();
}

TEST(RawEnvelope, Base64CarriesAnyBytes) {
  std::string every_byte;
  for (int i = 0; i < 256; ++i) every_byte += static_cast<char>(i);
  EXPECT_EQ(message_of(every_byte, RawEncoding::base64),
            "<QueueMessage><MessageText>" + base64_encode(every_byte) + "</MessageText></QueueMessage>");
}

TEST(RawEnvelope, TextKeepsMarkupAndCarriageReturns) {
  EXPECT_EQ(message_of("MSH|^~\\&|<a>\"'\r\nPID]]>\r\t\xC3\xA9", RawEncoding::text),
            "<QueueMessage><MessageText>MSH|^~\\&amp;|&lt;a&gt;\"'&#xD;\nPID]]&gt;&#xD;\t\xC3\xA9"
            "</MessageText></QueueMessage>");
}

TEST(RawEnvelope, TextThatXmlCantCarryIsRefused) {
  for (const std::string& payload :
       {std::string("a\0b", 3), std::string("a\x0B"), std::string("\x1C\r"), std::string("\x1F"),
        std::string("J\xF6rg"), std::string("\xED\xA0\x80"), std::string("\xEF\xBF\xBE"), std::string("\xEF\xBF\xBF"),
        std::string("\xC0\x80"), std::string("\xE2\x82")}) {
    const auto xml = raw_message_xml(payload, RawEncoding::text);
    ASSERT_FALSE(xml.ok()) << hex_encode(payload);
    EXPECT_EQ(xml.error(), RawRefusal::not_text);
  }
}

TEST(RawEnvelope, WhatFitsIsTakenToTheLastByte) {
  for (const auto& [encoding, limit] : {std::pair{RawEncoding::base64, 49'152U}, {RawEncoding::text, 65'536U}}) {
    EXPECT_EQ(raw_payload_limit(encoding).value, limit);
    EXPECT_TRUE(raw_message_xml(std::string(limit, 'x'), encoding).ok());
    const auto over = raw_message_xml(std::string(limit + 1, 'x'), encoding);
    ASSERT_FALSE(over.ok());
    EXPECT_EQ(over.error(), RawRefusal::too_large);
  }
  EXPECT_EQ(base64_encode(std::string(49'152, 'x')).size(), queue_text_limit.value);
}

}  // namespace
}  // namespace relay
