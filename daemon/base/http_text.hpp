// Small rules of HTTP's texts that both listeners and their doors need (RFC 9110 section 5.6).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace relay {

// ASCII alone; field names, tokens and host names are compared so.
bool equal_ignoring_case(std::string_view a, std::string_view b);
std::string to_lower_case(std::string_view text);
// Without spaces and tabs around it.
std::string_view trimmed(std::string_view text);
// The trimmed, non-empty elements between `separator`s; one inside a quoted string separates nothing.
std::vector<std::string_view> split_outside_quotes(std::string_view text, char separator);

// application/x-www-form-urlencoded (WHATWG URL standard, section 5): of queries and of forms.
struct FormParameter {
  std::string name;
  std::string value;
};
// Nothing where a percent sign isn't followed by two hex digits.
std::optional<std::string> form_decoded(std::string_view text);
std::string form_encoded(std::string_view text);
// In their order, repeated ones too; nothing where one can't be decoded.
std::optional<std::vector<FormParameter>> form_parameters(std::string_view text);

}  // namespace relay
