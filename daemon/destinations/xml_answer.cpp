#include "destinations/xml_answer.hpp"

#include <string>

namespace relay {
namespace {

constexpr std::size_t longest_element = 256;

}  // namespace

std::string_view xml_element_text(std::string_view document, std::string_view name) {
  const std::string open = "<" + std::string(name) + ">";
  const auto start = document.find(open);
  if (start == std::string_view::npos) return {};
  const std::string_view rest = document.substr(start + open.size(), longest_element + 1);
  const auto end = rest.find('<');
  if (end == std::string_view::npos || !rest.substr(end).starts_with("</")) return {};
  return rest.substr(0, end);
}

}  // namespace relay
