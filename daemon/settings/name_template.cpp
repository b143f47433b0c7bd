#include "settings/name_template.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace relay {
namespace {

constexpr std::array<std::pair<std::string_view, NameField>, 6> fields = {{
    {"client", NameField::client},
    {"id", NameField::id},
    {"date", NameField::date},
    {"timestamp", NameField::timestamp},
    {"extension", NameField::extension},
    {"payload_name", NameField::payload_name},
}};

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
      const auto found = std::ranges::find(fields, name, &std::pair<std::string_view, NameField>::first);
      if (close == std::string_view::npos || found == fields.end())
        return fail(
            "holds a brace that isn't part of {client}, {id}, {date}, {timestamp}, {extension} or {payload_name}");
      piece.field = found->second;
      text.remove_prefix(close + 1);
    }
    made.pieces_.push_back(std::move(piece));
  }
  return made;
}

bool NameTemplate::holds(NameField field) const {
  return std::ranges::any_of(pieces_, [field](const Piece& piece) { return piece.field == field; });
}

}  // namespace relay
