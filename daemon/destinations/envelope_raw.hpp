// The envelope `raw`: the payload itself as the text of a queue message, in base64 or as it is.
#pragma once

#include <string>
#include <string_view>

#include "base/byte_count.hpp"
#include "base/result.hpp"
#include "settings/settings.hpp"

namespace relay {

// A queue takes 65,536 bytes of text, as it reads after XML is undone (Put Message): that many as they are, or three
// quarters of it as base64.
inline constexpr ByteCount queue_text_limit{65'536};
ByteCount raw_payload_limit(RawEncoding encoding);

// <QueueMessage><MessageText>…</MessageText></QueueMessage> around text that XML can carry already.
std::string queue_message_xml(std::string_view escaped_text);

enum class RawRefusal {
  not_text,   // not UTF-8, or a character that XML 1.0 can't carry (section 2.2)
  too_large,  // over queue_text_limit
};
// The message for that payload, whole. An XML reader turns a bare CR into LF (section 2.11), and CR ends HL7's
// segments: it is written &#xD;.
Result<std::string, RawRefusal> raw_message_xml(std::string_view payload, RawEncoding encoding);

}  // namespace relay
