// Content-Type, read by the grammar of RFC 9110 section 8.3.1.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace relay {

struct MediaType {
  std::string type;        // lower case, without parameters: application/hl7-v2
  std::string parameters;  // as sent, trimmed; empty where there are none
};
// Nothing for what isn't a media type.
std::optional<MediaType> parse_media_type(std::string_view text);

// File extension with its dot: .hl7 .fhir .json .csv .xml, otherwise .bin (contract, "Envelopes and files").
std::string_view extension_of(std::string_view media_type);
// The other way round for `submit FILE`: nothing for an unknown extension.
std::optional<std::string_view> media_type_of_extension(std::string_view extension);

}  // namespace relay
