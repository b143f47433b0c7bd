#include "base/json_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

namespace relay {

namespace {

// RFC 8259 section 7: what can't stand in a string as it is. No function: this is called for every byte.
constexpr auto is_escaped = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; };

}  // namespace

void JsonText::key(std::string_view name) {
  comma_behind_a_value();
  text_ += '"';
  text_ += name;
  text_ += "\":";
}

void JsonText::key_of_any_text(std::string_view name) {
  comma_behind_a_value();
  quoted(name);
  text_ += ':';
}

void JsonText::string(std::string_view value) {
  comma_behind_a_value();
  quoted(value);
}

void JsonText::number(std::int64_t value) {
  comma_behind_a_value();
  const fmt::format_int digits(value);
  text_.append(digits.data(), digits.size());
}

void JsonText::boolean(bool value) {
  comma_behind_a_value();
  text_ += value ? "true" : "false";
}

void JsonText::null() {
  comma_behind_a_value();
  text_ += "null";
}

void JsonText::open(char bracket) {
  comma_behind_a_value();
  text_ += bracket;
}

void JsonText::comma_behind_a_value() {
  if (text_.empty()) return;
  const char last = text_.back();
  if (last != '{' && last != '[' && last != ':') text_ += ',';
}

void JsonText::quoted(std::string_view text) {
  if (std::any_of(text.begin(), text.end(), is_escaped)) {
    text_ += boost::json::serialize(boost::json::string_view(text.data(), text.size()));
    return;
  }
  text_ += '"';
  text_ += text;
  text_ += '"';
}

}  // namespace relay
