#include "settings/name_template.hpp"

#include <algorithm>
#include <array>

namespace relay {
namespace {

struct Field {
  std::string_view name;
  NameField field;
  std::size_t longest;
};
constexpr std::array<Field, 6> fields = {{
    {"client", NameField::client, 100},
    {"id", NameField::id, 36},
    {"date", NameField::date, 8},
    {"timestamp", NameField::timestamp, 19},
    {"extension", NameField::extension, 4},
    {"payload_name", NameField::payload_name, longest_payload_name},
}};

std::size_t longest_of(const NameTemplate::Piece& piece) {
  return piece.field ? std::ranges::find(fields, *piece.field, &Field::field)->longest : 0;
}

}  // namespace

Result<NameTemplate> NameTemplate::parse(std::string_view text) {
  NameTemplate made;
  while (!text.empty()) {
    const auto open = std::min(text.find_first_of("{}"), text.size());
    Piece piece{std::string(text.substr(0, open)), {}};
    text.remove_prefix(open);
    if (!text.empty()) {
      const auto close = text.find('}');
      const std::string_view name =
          text.starts_with('{') ? text.substr(1, close - std::min<std::size_t>(close, 1)) : "";
      const auto found = std::ranges::find(fields, name, &Field::name);
      if (close == std::string_view::npos || found == fields.end())
        return fail(
            "holds a brace that isn't part of {client}, {id}, {date}, {timestamp}, {extension} or {payload_name}");
      piece.field = found->field;
      text.remove_prefix(close + 1);
    }
    made.pieces_.push_back(std::move(piece));
  }
  return made;
}

bool NameTemplate::holds(NameField field) const {
  return std::ranges::any_of(pieces_, [field](const Piece& piece) { return piece.field == field; });
}

std::size_t NameTemplate::longest() const {
  std::size_t bytes = 0;
  for (const Piece& piece : pieces_) bytes += piece.text.size() + longest_of(piece);
  return bytes;
}

std::size_t NameTemplate::longest_file_name() const {
  std::size_t bytes = 0;
  for (const Piece& piece : pieces_) {
    // No field holds a '/': a payload's name is percent-encoded.
    const auto slash = piece.text.rfind('/');
    bytes = slash == std::string::npos ? bytes + piece.text.size() : piece.text.size() - slash - 1;
    bytes += longest_of(piece);
  }
  return bytes;
}

}  // namespace relay
