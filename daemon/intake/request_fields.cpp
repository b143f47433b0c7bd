#include "intake/request_fields.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "base/http_text.hpp"
#include "base/utf8.hpp"

namespace relay {
namespace {

// Every element of a list field, over its repetitions (RFC 9110 section 5.3).
std::vector<std::string_view> list_elements(const std::vector<std::string_view>& values) {
  std::vector<std::string_view> elements;
  for (const std::string_view value : values) {
    const auto more = split_outside_quotes(value, ',');
    elements.insert(elements.end(), more.begin(), more.end());
  }
  return elements;
}

std::optional<std::string> unquote(std::string_view text) {
  if (text.size() < 2 || text.back() != '"') return std::nullopt;
  std::string inside;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == '"') return std::nullopt;
    if (text[i] == '\\') {
      ++i;
      const bool escaped = i + 1 < text.size() && (text[i] == '"' || text[i] == '\\');
      if (!escaped) return std::nullopt;
    }
    inside.push_back(text[i]);
  }
  return inside;
}

std::string_view before(std::string_view text, char separator) {
  return text.substr(0, text.find(separator));
}

}  // namespace

std::optional<std::string> parse_idempotency_key(std::string_view text) {
  std::optional<std::string> key = text.starts_with('"') ? unquote(text) : std::optional<std::string>(text);
  if (!key || key->empty() || key->size() > 255) return std::nullopt;
  return key;
}

Result<std::optional<Digest>> parse_content_digest(const std::vector<std::string_view>& values) {
  std::optional<Digest> digest;
  for (const std::string_view member : list_elements(values)) {
    const std::string_view algorithm = trimmed(before(member, '='));
    if (algorithm.size() == member.size()) return fail("Content-Digest is no dictionary of byte sequences.");
    // Parameters mean nothing here; base64 has no ';'.
    const std::string_view value = trimmed(before(member.substr(member.find('=') + 1), ';'));
    const bool byte_sequence = value.size() >= 2 && value.front() == ':' && value.back() == ':';
    if (algorithm.empty() || !byte_sequence) return fail("Content-Digest is no dictionary of byte sequences.");
    if (!equal_ignoring_case(algorithm, "sha-256")) continue;
    const auto bytes = base64_decode(value.substr(1, value.size() - 2));
    if (!bytes || bytes->size() != sizeof(Digest::bytes)) return fail("The sha-256 of Content-Digest is no SHA-256.");
    std::copy(bytes->begin(), bytes->end(), digest.emplace().bytes.begin());
  }
  if (!values.empty() && list_elements(values).empty()) return fail("Content-Digest is empty.");
  return digest;
}

std::optional<std::chrono::seconds> parse_wait(const std::vector<std::string_view>& values,
                                               std::chrono::seconds longest) {
  for (const std::string_view element : list_elements(values)) {
    const std::string_view preference = trimmed(before(element, ';'));
    if (!equal_ignoring_case(trimmed(before(preference, '=')), "wait")) continue;
    std::string_view digits = trimmed(preference.substr(std::min(preference.size(), preference.find('=') + 1)));
    if (digits.size() >= 2 && digits.front() == '"' && digits.back() == '"')
      digits = digits.substr(1, digits.size() - 2);
    const bool number = !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
    if (!number) return std::nullopt;
    std::uint32_t seconds = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
    if (error != std::errc()) return longest;  // more than any number holds
    return std::min(longest, std::chrono::seconds(seconds));
  }
  return std::nullopt;
}

std::string parse_content_coding(const std::vector<std::string_view>& values) {
  std::string codings;
  for (const std::string_view element : list_elements(values)) {
    std::string coding = to_lower_case(element);
    if (coding == "identity") continue;
    if (coding == "x-gzip") coding = "gzip";
    codings += (codings.empty() ? "" : ", ") + coding;
  }
  return codings;
}

std::string payload_name_text(std::string_view value) {
  if (is_utf8(value)) return std::string(value);
  std::string text;
  for (const char c : value) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte < 0x80) {
      text.push_back(c);
    } else {
      text.push_back(static_cast<char>(0xC0 | (byte >> 6)));
      text.push_back(static_cast<char>(0x80 | (byte & 0x3F)));
    }
  }
  return text;
}

}  // namespace relay
