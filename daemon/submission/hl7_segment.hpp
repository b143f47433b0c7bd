// The header segments of HL7 v2 (MSH, BHS, FHS), as far as a door has to understand them: separators and single fields.
// HL7 v2.5.1 section 2.5.4 (delimiters) and 2.15 (MSH, BHS, FHS). Bytes stay as they came: nothing is unescaped or
// decoded.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace relay {

struct Hl7Separators {
  char field = '|';
  std::string encoding = "^~\\&";  // component, repetition, escape, subcomponent, and from 2.7 on truncation; 1 to 5

  char component() const { return encoding.front(); }
  char subcomponent() const { return encoding.size() > 3 ? encoding[3] : '&'; }
  char escape() const { return encoding.size() > 2 ? encoding[2] : '\\'; }
  bool operator==(const Hl7Separators&) const = default;
};

// What begins a message, a batch or a file, and may come before it in UTF-8.
bool is_hl7_header_name(std::string_view name);
inline constexpr std::string_view utf8_byte_order_mark = "\xEF\xBB\xBF";

// Of a text that begins with MSH, BHS or FHS and whose separators can be told: a field separator and at least one
// encoding character, neither letters, digits, blanks nor control characters. Nothing for any other text.
std::optional<Hl7Separators> read_hl7_separators(std::string_view segment);

// One header segment, without what ends it.
class Hl7HeaderSegment {
 public:
  // Nothing where the separators can't be told.
  static std::optional<Hl7HeaderSegment> read(std::string_view segment);

  std::string_view name() const { return std::string_view(text_).substr(0, 3); }
  const Hl7Separators& separators() const { return separators_; }
  // By its number in the standard, from 3 on (1 and 2 are the separators); empty where it isn't there.
  std::string_view field(unsigned number) const;
  std::string_view component(unsigned field_number, unsigned component_number) const;

 private:
  Hl7HeaderSegment(std::string text, Hl7Separators separators)
      : text_(std::move(text)), separators_(std::move(separators)) {}

  std::string text_;
  Hl7Separators separators_;
};

}  // namespace relay
