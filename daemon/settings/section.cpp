#include "settings/section.hpp"

#include <algorithm>
#include <set>

#include "base/clock.hpp"
#include "settings/nearest_name.hpp"
#include "settings/references.hpp"
#include "settings/units.hpp"

namespace relay {
namespace {

std::string listed(const std::vector<std::string>& names) {
  std::string list;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) list += i + 1 == names.size() ? " or " : ", ";
    list += names[i];
  }
  return list;
}

// A key as it may be shown: what isn't a plain word may be a secret that slipped over to the left of a colon.
bool is_plain_key(std::string_view key) {
  constexpr std::size_t longest = 40;
  return !key.empty() && key.size() <= longest && std::ranges::all_of(key, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  });
}

// The section that does have this key, for a key that stands in the wrong place.
const KeySection* home_of(std::string_view key, const KeySection& not_here) {
  for (const KeySection* section : keys::all()) {
    if (section->path != not_here.path && section->find(key) != nullptr) return section;
  }
  return nullptr;
}

bool has_foreign_tag(const YAML::Node& node) {
  const std::string& tag = node.Tag();
  return !tag.empty() && tag != "?" && tag != "!" && tag != "tag:yaml.org,2002:str";
}

}  // namespace

std::string Text::quoted() const {
  constexpr std::size_t longest = 80;
  const bool printable =
      std::ranges::none_of(value, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7F; });
  if (!shown || !printable || value.size() > longest) return "the value";
  return '"' + value + '"';
}

std::optional<Text> read_text(const Reading& reading, const YAML::Node& node, const std::string& name, Place fallback) {
  const YAML::Mark mark = node.Mark();
  if (!node.IsScalar()) {
    const Place place = node.IsNull() ? fallback : reading.document.place_of(mark);
    reading.problems.error(place,
                           name + (node.IsNull() ? " has no value" : " must be one value, not a list or a section"));
    return std::nullopt;
  }
  const Place place = reading.document.place_of(mark);
  if (reading.document.is_unclosed(mark)) {
    reading.problems.error(place, name + ": the quote that opens here is never closed");
    return std::nullopt;
  }
  if (has_foreign_tag(node)) {
    reading.problems.error(place,
                           name + ": YAML tags (a '!' before the value) aren't used here; put the value in quotes");
    return std::nullopt;
  }

  Text text{node.Scalar(), node.Scalar(), place, true};
  text.shown = !has_references(text.unresolved) && reading.document.stands_at(mark, text.value);
  if (!has_references(text.unresolved)) return text;
  auto resolved = resolve_references(text.unresolved);
  if (!resolved) {
    for (const auto& error : resolved.error()) {
      reading.problems.error(reading.document.place_of(mark, error.reference), name + ": " + error.message);
    }
    return std::nullopt;
  }
  text.value = std::move(*resolved);
  return text;
}

Section::Section(const Reading& reading, const YAML::Node& node, std::string path, const KeySection& known, Place at)
    : reading_(reading), path_(std::move(path)), place_(at) {
  if (!node.IsDefined() || node.IsNull()) return;
  if (!node.IsMap()) {
    reading_.problems.error(reading_.document.place_of(node.Mark()),
                            (path_.empty() ? "the configuration" : path_) + " must be a section of `key: value` lines");
    return;
  }
  take_entries(node, known);
}

void Section::take_entries(const YAML::Node& node, const KeySection& known) {
  std::set<std::string> seen;
  for (const auto& entry : node) {
    const Place key_place = reading_.document.place_of(entry.first.Mark());
    if (!entry.first.IsScalar()) {
      reading_.problems.error(key_place, "a key must be a plain word");
    } else if (!seen.insert(entry.first.Scalar()).second) {
      const bool plain = is_plain_key(entry.first.Scalar());
      reading_.problems.error(
          key_place, (plain ? name(entry.first.Scalar()) : "this key") + " stands here a second time; keep one");
    } else {
      take_entry(entry.first.Scalar(), key_place, entry.second, known);
    }
  }
}

void Section::take_entry(const std::string& key, Place key_place, const YAML::Node& value, const KeySection& known) {
  const Key* key_info = known.find(key);
  if (key_info == nullptr) {
    report_unknown(key, key_place, known);
  } else if (!key_info->built) {
    reading_.problems.error(key_place, name(key) + " isn't supported by this version");
  } else {
    entries_.emplace(key, Entry{value, value.IsNull() ? key_place : reading_.document.place_of(value.Mark())});
  }
}

void Section::report_unknown(const std::string& key, Place key_place, const KeySection& known) const {
  std::string message = "unknown key";
  if (is_plain_key(key)) message += ' ' + name(key);
  const KeySection* home = home_of(key, known);
  if (const auto nearest = nearest_name(key, known.names())) {
    message += "; did you mean `" + *nearest + "`?";
  } else if (home != nullptr) {
    message +=
        home->path.empty() ? "; it belongs at the left margin, under nothing" : "; it belongs under " + home->path;
  } else {
    if (const auto closest = closest_name(key, known.names()))
      message += "; the nearest known key is `" + *closest + '`';
    message += "; known here: " + listed(known.names());
  }
  reading_.problems.error(key_place, message);
}

Place Section::place(std::string_view key) const {
  const auto entry = entries_.find(key);
  return entry == entries_.end() ? place_ : entry->second.place;
}

std::string Section::name(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + '.' + std::string(key);
}

std::optional<Text> Section::text(std::string_view key) const {
  const auto entry = entries_.find(key);
  if (entry == entries_.end()) return std::nullopt;
  auto text = read_text(reading_, entry->second.value, name(key), entry->second.place);
  if (text && text->value.empty()) {
    error(key, "is empty; leave the line out for the default");
    return std::nullopt;
  }
  return text;
}

std::vector<std::pair<std::string, YAML::Node>> Section::items(std::string_view key) const {
  std::vector<std::pair<std::string, YAML::Node>> items;
  if (!has(key)) return items;
  if (!node(key).IsSequence()) {
    error(key, "must be a list: [one, two], or a line beginning with '-' for each");
    return items;
  }
  for (const auto& item : node(key)) items.emplace_back(name(key) + '[' + std::to_string(items.size()) + ']', item);
  return items;
}

std::optional<std::vector<Text>> Section::texts(std::string_view key) const {
  if (!has(key)) return std::nullopt;
  std::vector<Text> texts;
  const auto listed_items = items(key);
  if (!node(key).IsSequence()) return std::nullopt;
  for (const auto& [item_name, item] : listed_items) {
    auto text = read_text(reading_, item, item_name, place(key));
    if (text && text->value.empty()) {
      reading_.problems.error(text->place, item_name + " is empty");
    } else if (text) {
      texts.push_back(std::move(*text));
    }
  }
  return texts;
}

Section Section::section(std::string_view key, const KeySection& known) const {
  return Section(reading_, has(key) ? node(key) : YAML::Node(), name(key), known, place(key));
}

void Section::read(std::string_view key, SecretText& target) const {
  const auto written = text(key);
  if (!written) return;
  if (written->value.find_first_of("\r\n") != std::string::npos) {
    error(key, "holds a line break, which belongs to no secret of this kind");
    return;
  }
  target = SecretText(written->unresolved, Secret(written->value));
}

void Section::read(std::string_view key, bool& target) const {
  const auto written = text(key);
  if (!written) return;
  if (const auto truth = parse_truth(written->value)) {
    target = *truth;
  } else {
    error(key, written->quoted() + " isn't true or false");
  }
}

void Section::read(std::string_view key, std::chrono::milliseconds& target, std::chrono::milliseconds least,
                   std::chrono::milliseconds most) const {
  const auto written = text(key);
  if (!written) return;
  const auto duration = parse_duration(written->value);
  if (!duration) {
    error(key, written->quoted() + " isn't a duration; write it like 250ms, 30s, 5m, 12h, 7d or 2y");
  } else if (*duration < least || *duration > most) {
    error(key, written->quoted() + " must be from " + format_duration(least) + " to " + format_duration(most));
  } else {
    target = *duration;
  }
}

void Section::read(std::string_view key, ByteCount& target, ByteCount least, ByteCount most) const {
  const auto written = text(key);
  if (!written) return;
  const auto size = parse_byte_count(written->value);
  if (!size) {
    error(key, written->quoted() + " isn't a size; write it like 64KiB, 50MB or 10GiB");
  } else if (*size < least || *size > most) {
    error(key, written->quoted() + " must be from " + format_byte_count(least) + " to " + format_byte_count(most));
  } else {
    target = *size;
  }
}

void Section::read(std::string_view key, std::size_t& target, std::size_t least, std::size_t most) const {
  const auto written = text(key);
  if (!written) return;
  const auto number = parse_whole_number(written->value);
  if (!number || *number < least || *number > most) {
    error(key,
          written->quoted() + " isn't a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  } else {
    target = *number;
  }
}

void Section::read_mode(std::string_view key, unsigned& target) const {
  const auto written = text(key);
  if (!written) return;
  if (const auto mode = parse_file_mode(written->value)) {
    target = *mode;
  } else {
    error(key, written->quoted() + " isn't a file mode; write it in octal, like 0660");
  }
}

void Section::error(std::string_view key, const std::string& message) const {
  reading_.problems.error(place(key), name(key) + ": " + message);
}

void Section::error(const std::string& message) const {
  reading_.problems.error(place_, path_ + ": " + message);
}

void Section::warning(std::string_view key, const std::string& message) const {
  reading_.problems.warning(place(key), name(key) + ": " + message);
}

void Section::not_supported(std::string_view key, const std::string& value) const {
  reading_.problems.error(place(key), name(key) + ": " + value + " isn't supported by this version");
}

void Section::not_one_of(std::string_view key, const Text& written, const std::vector<std::string>& choices) const {
  std::string message = written.quoted() + " isn't " + listed(choices);
  const auto nearest = written.shown ? nearest_name(written.value, choices) : std::nullopt;
  if (nearest) message += "; did you mean `" + *nearest + "`?";
  error(key, message);
}

}  // namespace relay
