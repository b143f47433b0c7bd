// Text that comes from senders, made fit for JSON, XML, headers and URLs.
#pragma once

#include <string>
#include <string_view>

namespace relay {

// The text itself where it is UTF-8, else its bytes read as ISO 8859-1, which is what header values of old senders are.
std::string as_utf8(std::string_view text);
// Control characters (CR and LF among them) become spaces: for values that a reader may put into a header.
std::string without_controls(std::string text);

// Bytes of a URL path segment that need no %XX (RFC 3986 section 2.3); '/' is kept.
std::string percent_encode_path(std::string_view path);
std::string percent_encode(std::string_view text);

}  // namespace relay
