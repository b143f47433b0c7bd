#include "destinations/hl7_answer.hpp"

#include <utility>

#include "submission/hl7_header_reader.hpp"
#include "submission/hl7_segment.hpp"

namespace relay {
namespace {

constexpr std::size_t most_error_codes = 100;
constexpr std::size_t beginning = 64 * 1024;  // headers of file, batch and first message stand in it

// From `text` on to what stands before the next separator.
std::string_view take_field(std::string_view& text, char separator) {
  const auto end = text.find(separator);
  const std::string_view field = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return field;
}

// `segment` begins behind "ERR|".
void take_error_codes(std::string_view segment, const Hl7Separators& separators, std::vector<std::string>& codes) {
  std::string_view first = take_field(segment, separators.field);
  take_field(segment, separators.field);
  std::string_view third = take_field(segment, separators.field);
  if (!third.empty()) {
    codes.emplace_back(take_field(third, separators.component()));
    return;
  }
  const char repetition = separators.encoding.size() > 1 ? separators.encoding[1] : '~';
  while (!first.empty() && codes.size() < most_error_codes) {
    std::string_view error = take_field(first, repetition);
    for (int component = 1; component < 4; ++component) take_field(error, separators.component());
    std::string_view code = take_field(error, separators.component());
    codes.emplace_back(take_field(code, separators.subcomponent()));
  }
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
  std::optional<Hl7Answer> answer;
  std::vector<std::string> codes;
  while (!text.empty()) {
    const auto end = text.find_first_of("\r\n");
    std::string_view segment = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (segment.size() < 4 || segment[3] != separators->field) continue;
    if (segment.starts_with("ERR")) take_error_codes(segment.substr(4), *separators, codes);
    if (!segment.starts_with("MSA") || answer) continue;
    segment.remove_prefix(4);
    answer.emplace();
    answer->code = take_field(segment, separators->field);
    answer->control_id = take_field(segment, separators->field);
  }
  if (answer) answer->error_codes = std::move(codes);
  return answer;
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
