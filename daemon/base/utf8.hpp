// UTF-8 (RFC 3629), one character at a time: overlong forms and surrogates aren't characters.
#pragma once

#include <cstddef>
#include <string_view>

namespace relay {

// The length in bytes of the character that begins the text; 0 where none does. The text isn't empty.
std::size_t utf8_length(std::string_view text);
bool is_utf8(std::string_view text);

}  // namespace relay
