#include "intake/request_fields.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

using std::chrono::seconds;

TEST(IdempotencyKey, IsTakenQuotedOrBare) {
  EXPECT_EQ(parse_idempotency_key("abc"), "abc");
  EXPECT_EQ(parse_idempotency_key("\"abc\""), "abc");
  EXPECT_EQ(parse_idempotency_key(R"("a\"b\\c")"), R"(a"b\c)");
  EXPECT_EQ(parse_idempotency_key("a b"), "a b");
  EXPECT_EQ(parse_idempotency_key(std::string(255, 'k')), std::string(255, 'k'));
  EXPECT_EQ(parse_idempotency_key('"' + std::string(255, 'k') + '"'), std::string(255, 'k'));
}

TEST(IdempotencyKey, IsRefusedEmptyTooLongOrHalfQuoted) {
  for (const std::string& text :
       {std::string(), std::string("\"\""), std::string("\""), std::string("\"abc"), std::string("\"a\"b\""),
        std::string("\"a\\\""), std::string("\"a\\b\""), std::string(256, 'k'), '"' + std::string(256, 'k') + '"'}) {
    EXPECT_EQ(parse_idempotency_key(text), std::nullopt) << text;
  }
}

const std::string digest_of_abc = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";

TEST(ContentDigest, FindsSha256AmongOthers) {
  const Digest abc = sha256("abc");
  EXPECT_EQ(*parse_content_digest({"sha-256=:" + digest_of_abc + ":"}), abc);
  const std::string two = "sha-512=:AAAA:, sha-256=:" + digest_of_abc + ":";
  EXPECT_EQ(*parse_content_digest({two}), abc);
  const std::string one = "sha-256=:" + digest_of_abc + ":";
  EXPECT_EQ(*parse_content_digest({"md5=:AAAA:", one}), abc);
  const std::string with_parameters = "sha-256=:" + digest_of_abc + ":;from=\"a,b\";now, md5=:AAAA:;x";
  EXPECT_EQ(*parse_content_digest({with_parameters}), abc);
  EXPECT_EQ(*parse_content_digest({"sha-512=:AAAA:"}), std::nullopt);
  EXPECT_EQ(*parse_content_digest({}), std::nullopt);
}

TEST(ContentDigest, FailsOnWhatCantBeRead) {
  const std::string unpadded = "sha-256=:" + digest_of_abc.substr(0, 43) + ":";
  const std::string bare = "sha-256=" + digest_of_abc;
  for (const std::string& text :
       {std::string(), std::string("sha-256"), std::string("sha-256="), std::string("sha-256=::"),
        std::string("sha-256=:AAAA:"), std::string("sha-256=:****:"), unpadded, bare, std::string("=:AAAA:"),
        std::string("nonsense")}) {
    EXPECT_FALSE(parse_content_digest({text}).ok()) << text;
  }
}

TEST(Prefer, FindsWaitAndCutsItToTheLongest) {
  EXPECT_EQ(parse_wait({"wait=10"}, seconds(60)), seconds(10));
  EXPECT_EQ(parse_wait({"respond-async, Wait = 5"}, seconds(60)), seconds(5));
  EXPECT_EQ(parse_wait({"respond-async", "wait=\"7\"; foo=bar"}, seconds(60)), seconds(7));
  EXPECT_EQ(parse_wait({"wait=0"}, seconds(60)), seconds(0));
  EXPECT_EQ(parse_wait({"wait=61"}, seconds(60)), seconds(60));
  EXPECT_EQ(parse_wait({"wait=99999999999999999999"}, seconds(60)), seconds(60));
}

TEST(Prefer, IgnoresWhatItDoesNotUnderstand) {
  for (const char* text : {"", "wait", "wait=", "wait=abc", "wait=-1", "wait=1.5", "await=1", "return=minimal"}) {
    EXPECT_EQ(parse_wait({text}, seconds(60)), std::nullopt) << text;
  }
}

TEST(ContentCoding, IsOneNameOrNone) {
  EXPECT_EQ(parse_content_coding({}), "");
  EXPECT_EQ(parse_content_coding({"identity"}), "");
  EXPECT_EQ(parse_content_coding({"GZIP"}), "gzip");
  EXPECT_EQ(parse_content_coding({"x-gzip"}), "gzip");
  EXPECT_EQ(parse_content_coding({"gzip, gzip"}), "gzip, gzip");
  EXPECT_EQ(parse_content_coding({"gzip", "br"}), "gzip, br");
}

TEST(PayloadName, IsKeptAsUtf8AndReadAsLatin1Otherwise) {
  EXPECT_EQ(payload_name_text("a.hl7"), "a.hl7");
  EXPECT_EQ(payload_name_text("M\xC3\xBCller \xE2\x82\xAC \xF0\x9F\x98\x80"),
            "M\xC3\xBCller \xE2\x82\xAC \xF0\x9F\x98\x80");
  EXPECT_EQ(payload_name_text("M\xFCller"), "M\xC3\xBCller");
  // Overlong, surrogate, beyond Unicode, cut short: no UTF-8.
  EXPECT_EQ(payload_name_text("\xC0\xAF"), "\xC3\x80\xC2\xAF");
  EXPECT_EQ(payload_name_text("\xED\xA0\x80"), "\xC3\xAD\xC2\xA0\xC2\x80");
  EXPECT_EQ(payload_name_text("\xF4\x90\x80\x80"), "\xC3\xB4\xC2\x90\xC2\x80\xC2\x80");
  EXPECT_EQ(payload_name_text("\xE2\x82"), "\xC3\xA2\xC2\x82");
}

}  // namespace
}  // namespace relay
