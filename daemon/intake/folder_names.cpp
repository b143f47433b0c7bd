#include "intake/folder_names.hpp"

#include "base/http_text.hpp"
#include "base/utf8.hpp"
#include "submission/client_name.hpp"

namespace relay {
namespace {

constexpr std::size_t longest_name = 255;
constexpr std::string_view longest_addition = ".reason";

// Where the ending begins, with its dot; the length where there is none. A dot file has no stem.
std::size_t ending_of(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos || dot == 0 ? name.size() : dot;
}

std::string with_star(std::string_view pattern, std::string_view in_its_place) {
  const std::size_t star = pattern.find('*');
  return std::string(pattern.substr(0, star)).append(in_its_place).append(pattern.substr(star + 1));
}

// Not in the middle of a character, where the name is UTF-8.
std::string_view cut_to(std::string_view text, std::size_t length) {
  if (text.size() <= length) return text;
  std::string_view cut = text.substr(0, length);
  if (!is_utf8(text)) return cut;
  while (!cut.empty() && !is_utf8(cut)) cut.remove_suffix(1);
  return cut;
}

}  // namespace

bool is_reserved_folder(std::string_view name) {
  return equal_ignoring_case(name, done_folder) || equal_ignoring_case(name, failed_folder);
}

bool is_hidden_name(std::string_view name) {
  return name.starts_with('.') || matches_ignoring_case("*.tmp", name);
}

bool matches_ignoring_case(std::string_view pattern, std::string_view name) {
  return glob_matches(to_lower_case(pattern), to_lower_case(name));
}

std::vector<std::string> marker_names(std::string_view marker_pattern, std::string_view name) {
  const std::string_view stem = name.substr(0, ending_of(name));
  std::vector<std::string> names{to_lower_case(with_star(marker_pattern, name))};
  if (stem != name) names.push_back(to_lower_case(with_star(marker_pattern, stem)));
  return names;
}

std::string numbered_name(std::string_view name, unsigned number) {
  const std::size_t at = ending_of(name);
  std::string ending(name.substr(at));
  const std::string tail = number > 1 ? "~" + std::to_string(number) : "";
  const std::size_t room = longest_name - longest_addition.size() - tail.size();
  std::string_view stem = name.substr(0, at);
  if (ending.size() > room / 2) {
    // No ending that anybody reads: cut the name as a whole.
    stem = name;
    ending.clear();
  }
  return std::string(cut_to(stem, room - ending.size())) + tail + ending;
}

std::string first_part(std::string_view folder) {
  return std::string(folder.substr(0, folder.find('/')));
}

}  // namespace relay
