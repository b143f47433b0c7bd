#include "submission/media_type.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace relay {
namespace {

bool is_token_character(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_quoted_text(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return c == '\t' || (byte >= 0x20 && byte != 0x7F);
}

void skip_spaces(std::string_view& rest) {
  while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t')) rest.remove_prefix(1);
}

std::string_view take_token(std::string_view& rest) {
  const auto end = std::ranges::find_if_not(rest, is_token_character);
  const auto length = static_cast<std::size_t>(end - rest.begin());
  const std::string_view token = rest.substr(0, length);
  rest.remove_prefix(length);
  return token;
}

// quoted-string, RFC 9110 section 5.6.4; `rest` begins with its '"'.
bool take_quoted_string(std::string_view& rest) {
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      rest.remove_prefix(i + 1);
      return true;
    }
    if (rest[i] == '\\') ++i;
    if (i == rest.size() || !is_quoted_text(rest[i])) return false;
  }
  return false;
}

// parameters = *( OWS ";" OWS [ parameter ] )
bool are_parameters(std::string_view rest) {
  for (;;) {
    skip_spaces(rest);
    if (rest.empty()) return true;
    if (rest.front() != ';') return false;
    rest.remove_prefix(1);
    skip_spaces(rest);
    if (rest.empty() || rest.front() == ';') continue;
    if (take_token(rest).empty() || !rest.starts_with('=')) return false;
    rest.remove_prefix(1);
    const bool value = rest.starts_with('"') ? take_quoted_string(rest) : !take_token(rest).empty();
    if (!value) return false;
  }
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string_view trimmed(std::string_view text) {
  skip_spaces(text);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

constexpr std::array<std::pair<std::string_view, std::string_view>, 5> extensions = {
    {{"application/hl7-v2", ".hl7"},
     {"application/fhir+ndjson", ".fhir"},
     {"application/fhir+json", ".json"},
     {"text/csv", ".csv"},
     {"application/xml", ".xml"}}};

}  // namespace

std::optional<MediaType> parse_media_type(std::string_view text) {
  std::string_view rest = trimmed(text);
  const std::string_view type = take_token(rest);
  if (type.empty() || !rest.starts_with('/')) return std::nullopt;
  rest.remove_prefix(1);
  const std::string_view subtype = take_token(rest);
  if (subtype.empty() || !are_parameters(rest)) return std::nullopt;

  MediaType media_type{lower_case(type) + '/' + lower_case(subtype), ""};
  rest = trimmed(rest);
  if (rest.starts_with(';')) rest.remove_prefix(1);
  media_type.parameters = trimmed(rest);
  return media_type;
}

std::string_view extension_of(std::string_view media_type) {
  for (const auto& [type, extension] : extensions) {
    if (type == media_type) return extension;
  }
  return ".bin";
}

std::optional<std::string_view> media_type_of_extension(std::string_view extension) {
  const std::string lower = lower_case(extension);
  for (const auto& [type, listed] : extensions) {
    if (listed == lower) return type;
  }
  return std::nullopt;
}

}  // namespace relay
