#include "intake/hl7_acknowledgement.hpp"

#include <fmt/format.h>

#include <charconv>
#include <utility>

namespace relay {
namespace {

struct Version {
  unsigned major = 0;
  unsigned minor = 0;
  unsigned patch = 0;
  auto operator<=>(const Version&) const = default;
};

// "2.5.1"; what isn't a version is taken for the newest.
Version parse_version(std::string_view text) {
  Version version;
  const char* at = text.data();
  const char* const end = at + text.size();
  for (unsigned* part : {&version.major, &version.minor, &version.patch}) {
    const auto [next, error] = std::from_chars(at, end, *part);
    if (error != std::errc()) return part == &version.patch ? version : Version{99, 0, 0};
    at = next;
    if (at == end) break;
    if (*at != '.') break;
    ++at;
  }
  return version;
}

// What a sender wrote, to be written back into a segment of ours: nothing in it may end a segment or a frame.
std::string without_controls(std::string_view field) {
  std::string text;
  for (const char c : field) {
    if (static_cast<unsigned char>(c) >= 0x20) text.push_back(c);
  }
  return text;
}

// Our own words in somebody's separators (HL7 v2.5.1 section 2.7).
std::string escaped(std::string_view text, const Hl7Separators& separators) {
  std::string result;
  const std::string escape(1, separators.escape());
  const auto name = [&](char c) -> char {
    if (c == separators.field) return 'F';
    if (c == separators.component()) return 'S';
    if (c == separators.subcomponent()) return 'T';
    if (separators.encoding.size() > 1 && c == separators.encoding[1]) return 'R';
    return c == separators.escape() ? 'E' : '\0';
  };
  for (const char c : text) {
    const char meant = name(c);
    result += meant == '\0' ? std::string(1, c) : escape + meant + escape;
  }
  return result;
}

std::string_view error_text(MessageErrorCode code) {
  switch (code) {
    case MessageErrorCode::segment_sequence_error:
      return "Segment sequence error";
    case MessageErrorCode::data_type_error:
      return "Data type error";
    case MessageErrorCode::unsupported_message_type:
      return "Unsupported message type";
    case MessageErrorCode::unsupported_processing_id:
      return "Unsupported processing id";
    case MessageErrorCode::application_internal_error:
      break;
  }
  return "Application internal error";
}

// None of its characters would be read as a separator.
bool fits(std::string_view text, const Hl7Separators& separators) {
  return text.find(separators.field) == std::string_view::npos &&
         text.find_first_of(separators.encoding) == std::string_view::npos;
}

// 20261124180000+0000; without the offset where a sender separates by it.
std::string hl7_time(WallTime now, const Hl7Separators& separators) {
  std::string digits;
  for (const char c : format_rfc3339(now).substr(0, sizeof "2026-11-24T18:00:00" - 1)) {
    if (c >= '0' && c <= '9') digits.push_back(c);
  }
  return fits("+", separators) ? digits + "+0000" : digits;
}

std::string error_segment(const AcknowledgedMessage& answered, const MessageError& error, bool from_2_5) {
  const Hl7Separators& separators = answered.separators;
  const std::string f(1, separators.field);
  const char c = separators.component();
  const int code = static_cast<int>(error.code);
  const std::string_view text = error_text(error.code);
  // ERR-3 (CWE), ERR-4 severity, ERR-8 user message.
  if (from_2_5) {
    return fmt::format("ERR{0}{0}{0}{2}{1}{3}{1}HL70357{0}E{0}{0}{0}{0}{4}", f, c, code, text,
                       escaped(error.text, separators));
  }
  // ERR-1 (segment, sequence, field, code): the code is its fourth component.
  return fmt::format("ERR{0}{1}{1}{1}{3}{2}{4}{2}HL70357", f, c, separators.subcomponent(), code, text);
}

}  // namespace

std::string_view acknowledgement_code_name(AcknowledgementCode code) {
  switch (code) {
    case AcknowledgementCode::AA:
      return "AA";
    case AcknowledgementCode::AE:
      return "AE";
    case AcknowledgementCode::AR:
      return "AR";
    case AcknowledgementCode::CA:
      return "CA";
    case AcknowledgementCode::CE:
      return "CE";
    case AcknowledgementCode::CR:
      break;
  }
  return "CR";
}

AcknowledgedMessage acknowledged_message(const Hl7HeaderReader& reader) {
  AcknowledgedMessage answered;
  const auto& message = reader.message_header();
  const auto& header = message ? message : reader.batch_header() ? reader.batch_header() : reader.file_header();
  if (!reader.readable().value_or(false) || !header) return answered;
  answered.separators = header->separators();
  const auto copy = [&](std::string& target, std::string_view value) {
    if (!value.empty()) target = without_controls(value);
  };
  copy(answered.sending_application, header->field(3));
  copy(answered.sending_facility, header->field(4));
  copy(answered.receiving_application, header->field(5));
  copy(answered.receiving_facility, header->field(6));
  copy(answered.control_id, reader.control_id());
  if (message) {
    copy(answered.trigger, message->component(9, 2));
    copy(answered.processing_id, message->field(11));
    copy(answered.version, message->field(12));
    copy(answered.character_set, message->field(18));
  }
  if (answered.version.find(answered.separators.field) != std::string::npos) answered.version.clear();
  // A batch's header may have other separators than the messages in it.
  if (answered.control_id.find(answered.separators.field) != std::string::npos) {
    answered.control_id = escaped(answered.control_id, answered.separators);
  }
  return answered;
}

std::string write_acknowledgement(const AcknowledgedMessage& answered, AcknowledgementCode code,
                                  const std::optional<MessageError>& error, std::string_view control_id, WallTime now) {
  const Hl7Separators& separators = answered.separators;
  const std::string f(1, separators.field);
  const char c = separators.component();
  const Version version = parse_version(answered.version.substr(0, answered.version.find(c)));
  const bool from_2_5 = version >= Version{2, 5, 0};

  std::string type = "ACK";
  if (!answered.trigger.empty()) {
    type += c + answered.trigger;
    if (version >= Version{2, 3, 1}) type += c + std::string("ACK");
  }
  std::string header = "MSH" + f + separators.encoding;
  for (const std::string_view field :
       {std::string_view(answered.receiving_application), std::string_view(answered.receiving_facility),
        std::string_view(answered.sending_application), std::string_view(answered.sending_facility)}) {
    header.append(f).append(field);
  }
  header.append(f).append(hl7_time(now, separators)).append(f).append(f).append(type);
  header.append(f).append(control_id).append(f).append(answered.processing_id).append(f).append(answered.version);
  if (!answered.character_set.empty()) header.append(6, separators.field).append(answered.character_set);

  std::string acknowledgement = header + '\r';
  acknowledgement.append("MSA").append(f).append(acknowledgement_code_name(code)).append(f).append(answered.control_id);
  // MSA-3 is for people; from 2.5 on ERR-8 is.
  if (error && !from_2_5) acknowledgement.append(f).append(escaped(error->text, separators));
  acknowledgement += '\r';
  if (error) acknowledgement += error_segment(answered, *error, from_2_5) + '\r';
  return acknowledgement;
}

std::string acknowledgement_control_id(const Uuid& uuid) {
  // 48 bits of time, 12 of its counter, 40 of randomness: 100 bits, five a character.
  constexpr std::string_view digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  const auto& b = uuid.bytes;
  std::uint64_t bits = 0;
  unsigned count = 0;
  std::string text;
  const auto put = [&](std::uint64_t value, unsigned width) {
    bits = (bits << width) | value;
    count += width;
    while (count >= 5) text.push_back(digits[(bits >> (count -= 5)) & 31]);
    bits &= 31;
  };
  for (int i = 0; i < 6; ++i) put(b[static_cast<std::size_t>(i)], 8);
  put(b[6] & 15U, 4);
  put(b[7], 8);
  for (std::size_t i = 11; i < 16; ++i) put(b[i], 8);
  return text;
}

}  // namespace relay
