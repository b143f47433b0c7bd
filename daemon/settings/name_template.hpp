// NameTemplate: a name with placeholders, as it is configured (contract, "Destination keys by type"). What it becomes
// depends on the submission alone, so that a later try makes the same name; destinations/template_text.hpp fills it in.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace relay {

enum class NameField {
  client,
  id,
  date,          // accepted_at: YYYYMMDD, UTC
  timestamp,     // accepted_at: YYYYMMDDTHHMMSSmmmZ
  extension,     // hl7, fhir, json, csv, xml or bin
  payload_name,  // percent-encoded; empty where the sender gave none
};

// So long that all fields together still fit into a file's name, which has room for 255 bytes.
inline constexpr std::size_t longest_payload_name = 80;

class NameTemplate {
 public:
  // Fixed text, then a field's value where there is one.
  struct Piece {
    std::string text;
    std::optional<NameField> field{};
  };

  // Takes any text whose braces are placeholders that exist. The error quotes nothing of it.
  static Result<NameTemplate> parse(std::string_view text);

  const std::vector<Piece>& pieces() const { return pieces_; }
  bool empty() const { return pieces_.empty(); }
  bool holds(NameField field) const;
  // The longest that it can become, in bytes: as a whole, and behind its last '/'.
  std::size_t longest() const;
  std::size_t longest_file_name() const;

 private:
  std::vector<Piece> pieces_;
};

}  // namespace relay
