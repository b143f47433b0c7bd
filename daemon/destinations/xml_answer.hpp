// XML that another side has sent, as far as an error's code needs it: bounded, never trusted.
#pragma once

#include <string_view>

namespace relay {

// The text of the first <name>…</name> without markup inside, at most 256 bytes; empty where there is none. Takes any
// bytes.
std::string_view xml_element_text(std::string_view document, std::string_view name);

}  // namespace relay
