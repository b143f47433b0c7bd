#include "destinations/envelope_raw.hpp"

#include "base/digest.hpp"
#include "base/utf8.hpp"

namespace relay {
namespace {

// XML 1.0 leaves out the control characters but TAB, LF and CR, and U+FFFE, U+FFFF.
bool fits_xml(std::string_view utf8) {
  for (const char c : utf8) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') return false;
  }
  return utf8.find("\xEF\xBF\xBE") == std::string_view::npos && utf8.find("\xEF\xBF\xBF") == std::string_view::npos;
}

std::string escaped(std::string_view text) {
  std::string result;
  result.reserve(text.size() + text.size() / 8);
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':  // "]]>" isn't allowed as it is
        result += "&gt;";
        break;
      case '\r':
        result += "&#xD;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

}  // namespace

ByteCount raw_payload_limit(RawEncoding encoding) {
  return encoding == RawEncoding::base64 ? ByteCount{queue_text_limit.value / 4 * 3} : queue_text_limit;
}

std::string queue_message_xml(std::string_view escaped_text) {
  std::string xml = "<QueueMessage><MessageText>";
  xml.append(escaped_text).append("</MessageText></QueueMessage>");
  return xml;
}

Result<std::string, RawRefusal> raw_message_xml(std::string_view payload, RawEncoding encoding) {
  if (payload.size() > raw_payload_limit(encoding).value) return Failure{RawRefusal::too_large};
  if (encoding == RawEncoding::base64) return queue_message_xml(base64_encode(payload));
  if (!is_utf8(payload) || !fits_xml(payload)) return Failure{RawRefusal::not_text};
  return queue_message_xml(escaped(payload));
}

}  // namespace relay
