#include "journal/receipt_text.hpp"

#include <boost/json.hpp>

namespace relay {

std::optional<std::string> receipt_text(const Receipt& receipt) {
  if (receipt.empty()) return std::nullopt;
  boost::json::object object;
  for (const auto& [key, value] : receipt) object[key] = value;
  return boost::json::serialize(object);
}

Receipt parse_receipt(std::string_view text) {
  Receipt receipt;
  boost::system::error_code error;
  const boost::json::value value = boost::json::parse({text.data(), text.size()}, error);
  if (error || !value.is_object()) return receipt;
  for (const auto& [key, member] : value.get_object()) {
    if (member.is_string()) receipt.emplace(key, member.get_string());
  }
  return receipt;
}

}  // namespace relay
