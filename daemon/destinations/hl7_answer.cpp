#include "destinations/hl7_answer.hpp"

#include "submission/hl7_header_reader.hpp"
#include "submission/hl7_segment.hpp"

namespace relay {
namespace {

constexpr std::size_t beginning = 64 * 1024;  // headers of file, batch and first message stand in it

// From `text` on to what stands before the next separator.
std::string_view take_field(std::string_view& text, char separator) {
  const auto end = text.find(separator);
  const std::string_view field = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return field;
}

}  // namespace

std::optional<Hl7Answer> read_hl7_answer(std::string_view text) {
  // Some senders leave MLLP's frame around it.
  while (!text.empty() && (text.front() == '\x0B' || text.front() == '\r' || text.front() == '\n'))
    text.remove_prefix(1);
  if (text.starts_with(utf8_byte_order_mark)) text.remove_prefix(utf8_byte_order_mark.size());
  if (!text.starts_with("MSH")) return std::nullopt;
  const auto separators = read_hl7_separators(text.substr(0, text.find_first_of("\r\n")));
  if (!separators) return std::nullopt;
  while (!text.empty()) {
    const auto end = text.find_first_of("\r\n");
    std::string_view segment = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (!segment.starts_with("MSA") || segment.size() < 4 || segment[3] != separators->field) continue;
    segment.remove_prefix(4);
    Hl7Answer answer;
    answer.code = take_field(segment, separators->field);
    answer.control_id = take_field(segment, separators->field);
    return answer;
  }
  return std::nullopt;
}

std::string control_id_of(PayloadSource& payload) {
  Hl7HeaderReader header;
  for (std::uint64_t offset = 0; offset < beginning;) {
    const auto piece = payload.read(offset, beginning - static_cast<std::size_t>(offset));
    if (!piece) return {};
    if (piece->empty()) break;
    header.feed(*piece);
    offset += piece->size();
  }
  header.finish();
  return std::string(header.control_id());
}

}  // namespace relay
