#include "operations/json_reading.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "operations/human_text.hpp"

namespace relay {

namespace json = boost::json;

Result<json::object> parse_json_object(const std::string& text) {
  boost::system::error_code error;
  auto value = json::parse(text, error);
  if (error || !value.is_object()) return fail("the daemon's answer isn't the JSON that was expected");
  return std::move(value.as_object());
}

std::string text_member(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return "";
  return one_line(value->as_string());
}

std::optional<double> number_member(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->to_number<double>();
}

std::uint64_t count_member(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || !value->is_number()) return 0;
  boost::system::error_code error;
  const auto count = value->to_number<std::uint64_t>(error);
  return error ? 0 : count;
}

const json::object& object_member(const json::object& object, std::string_view key) {
  static const json::object none;
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_object() ? value->as_object() : none;
}

const json::array& array_member(const json::object& object, std::string_view key) {
  static const json::array none;
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_array() ? value->as_array() : none;
}

}  // namespace relay
