#include "submission/hl7_segment.hpp"

#include <algorithm>

namespace relay {
namespace {

constexpr std::size_t most_encoding_characters = 5;

bool is_separator(char c) {
  const bool letter_or_digit = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return c > ' ' && c < '\x7f' && !letter_or_digit;
}

// The part of that number, from 1 on; empty where there are fewer.
std::string_view part_of(std::string_view text, char separator, unsigned number) {
  for (; number > 1; --number) {
    const std::size_t end = text.find(separator);
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find(separator));
}

}  // namespace

bool is_hl7_header_name(std::string_view name) {
  return name == "MSH" || name == "BHS" || name == "FHS";
}

std::optional<Hl7Separators> read_hl7_separators(std::string_view segment) {
  if (!is_hl7_header_name(segment.substr(0, 3)) || segment.size() < 4 || !is_separator(segment[3])) {
    return std::nullopt;
  }
  Hl7Separators separators;
  separators.field = segment[3];
  const std::string ends = {separators.field, '\r', '\n'};
  segment.remove_prefix(4);
  const std::string_view encoding = segment.substr(0, segment.find_first_of(ends));
  // The component separator must be there; what the others are for can be left out.
  const bool readable = !encoding.empty() && encoding.size() <= most_encoding_characters &&
                        std::all_of(encoding.begin(), encoding.end(), is_separator);
  if (!readable) return std::nullopt;
  separators.encoding = encoding;
  return separators;
}

std::optional<Hl7HeaderSegment> Hl7HeaderSegment::read(std::string_view segment) {
  auto separators = read_hl7_separators(segment);
  if (!separators) return std::nullopt;
  return Hl7HeaderSegment(std::string(segment), std::move(*separators));
}

std::string_view Hl7HeaderSegment::field(unsigned number) const {
  // The field separator behind the name is field 1 itself, so field n is the n-th part.
  return number < 3 ? std::string_view() : part_of(text_, separators_.field, number);
}

std::string_view Hl7HeaderSegment::component(unsigned field_number, unsigned component_number) const {
  return part_of(field(field_number), separators_.component(), component_number);
}

}  // namespace relay
