#include "intake/folder_note.hpp"

#include <charconv>
#include <vector>

#include "base/digest.hpp"

namespace relay {
namespace {

constexpr std::string_view version = "1";
constexpr std::size_t fields = 11;

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t space = text.find(' ');
    parts.push_back(text.substr(0, space));
    if (space == std::string_view::npos) return parts;
    text.remove_prefix(space + 1);
  }
}

template <class Number>
bool read(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool read(std::string_view text, std::string& target) {
  auto decoded = hex_decode(text);
  if (decoded) target = std::move(*decoded);
  return decoded.has_value();
}

}  // namespace

std::string note_text(const FolderNote& note) {
  std::string text(version);
  const auto add = [&text](const std::string& field) { text.append(" ").append(field); };
  add(hex_encode(note.watched.native()));
  add(std::to_string(note.watched_inode));
  add(hex_encode(note.folder));
  add(hex_encode(note.name));
  add(hex_encode(note.marker));
  add(std::to_string(note.identity.inode));
  add(std::to_string(note.identity.born));
  add(std::to_string(note.identity.size));
  add(std::to_string(note.identity.modified));
  add(std::to_string(note.identity.changed));
  return text;
}

std::optional<FolderNote> parse_note(std::string_view text) {
  const auto parts = split(text);
  if (parts.size() != fields || parts[0] != version) return std::nullopt;
  FolderNote note;
  std::string watched;
  const bool whole = read(parts[1], watched) && read(parts[2], note.watched_inode) && read(parts[3], note.folder) &&
                     read(parts[4], note.name) && read(parts[5], note.marker) && read(parts[6], note.identity.inode) &&
                     read(parts[7], note.identity.born) && read(parts[8], note.identity.size) &&
                     read(parts[9], note.identity.modified) && read(parts[10], note.identity.changed);
  if (!whole || note.name.empty()) return std::nullopt;
  note.watched = watched;
  return note;
}

}  // namespace relay
