#include "submission/hl7_order_number.hpp"

#include <algorithm>

#include "submission/hl7_segment.hpp"

namespace relay {
namespace {

constexpr std::string_view segment_ends = "\r\n";
constexpr std::size_t name_size = 3;
constexpr std::size_t most_of_a_segment = 4 * 1024;

bool is_wanted(std::string_view name) {
  return name == "ORC" || name == "OBR" || is_hl7_header_name(name);
}

// Field 3 of a segment that isn't a header; empty where it says nothing.
std::string third_field(std::string_view segment, char separator) {
  for (int field = 0; field < 3; ++field) {
    const std::size_t end = segment.find(separator);
    if (end == std::string_view::npos) return {};
    segment.remove_prefix(end + 1);
  }
  const std::string_view field = segment.substr(0, segment.find(separator));
  return field == "\"\"" ? std::string() : std::string(field);
}

}  // namespace

void Hl7OrderNumberReader::feed(std::string_view bytes) {
  while (!bytes.empty() && common_order_.empty()) {
    const std::size_t end = bytes.find_first_of(segment_ends);
    std::string_view part = bytes.substr(0, end);
    if (!skipping_) {
      const std::string_view of_name = part.substr(0, name_size - std::min(name_size, segment_.size()));
      segment_.append(of_name);
      part.remove_prefix(of_name.size());
      // It may stand before the first segment.
      if (segment_ == utf8_byte_order_mark) {
        segment_.clear();
        bytes.remove_prefix(of_name.size());
        continue;
      }
      if (segment_.size() >= name_size) {
        skipping_ = !is_wanted(std::string_view(segment_).substr(0, name_size));
        if (!skipping_) {
          segment_.append(part.substr(0, most_of_a_segment - std::min(most_of_a_segment, segment_.size())));
        }
      }
    }
    if (end == std::string_view::npos) return;
    end_segment();
    bytes.remove_prefix(end + 1);
  }
}

void Hl7OrderNumberReader::finish() {
  end_segment();
}

void Hl7OrderNumberReader::end_segment() {
  if (!skipping_ && segment_.size() > name_size) {
    if (is_hl7_header_name(std::string_view(segment_).substr(0, name_size))) {
      separator_ = segment_[name_size];
    } else if (segment_.starts_with("ORC")) {
      if (common_order_.empty()) common_order_ = third_field(segment_, separator_);
    } else if (request_.empty()) {
      request_ = third_field(segment_, separator_);
    }
  }
  skipping_ = false;
  segment_.clear();
}

}  // namespace relay
