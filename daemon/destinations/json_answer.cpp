#include "destinations/json_answer.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace relay {

namespace json = boost::json;

std::optional<json::object> json_object_of(std::string_view text) {
  boost::system::error_code problem;
  json::value value = json::parse(json::string_view(text.data(), text.size()), problem);
  if (problem || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

std::string json_text(const json::object& object, std::string_view name) {
  const json::value* member = object.if_contains(json::string_view(name.data(), name.size()));
  if (member == nullptr) return {};
  if (member->is_string()) return std::string(member->get_string());
  if (member->is_int64()) return std::to_string(member->get_int64());
  if (member->is_uint64()) return std::to_string(member->get_uint64());
  return {};
}

}  // namespace relay
