#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <set>
#include <system_error>

#include "settings/nearest_name.hpp"
#include "settings/section_readers.hpp"
#include "settings/units.hpp"

namespace relay {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

// [A-Za-z0-9][A-Za-z0-9._-]{0,62}
bool is_destination_name(std::string_view name) {
  const auto letter_or_digit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !name.empty() && name.size() <= 63 && letter_or_digit(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return letter_or_digit(c) || c == '.' || c == '_' || c == '-'; });
}

BackoffSettings read_backoff(const Section& destination) {
  BackoffSettings backoff;
  const Section section = destination.section("backoff", keys::backoff());
  section.read("initial", backoff.initial, milliseconds(1), hours(24));
  section.read("max", backoff.max, milliseconds(1), hours(24 * 7));
  if (backoff.max < backoff.initial) {
    section.error(section.has("max") ? "max" : "initial", "backoff.max must not be shorter than backoff.initial");
  }
  const auto give_up = section.text("give_up_after");
  if (give_up && give_up->value != "never") {
    const auto answers = parse_whole_number(give_up->value);
    if (answers && *answers >= 1 && *answers <= 1'000'000) {
      backoff.give_up_after = static_cast<unsigned>(*answers);
    } else {
      section.error("give_up_after",
                    give_up->quoted() + " isn't never or a number of \"try later\" answers from 1 to 1000000");
    }
  }
  return backoff;
}

DirectorySettings read_directory(const Section& section) {
  DirectorySettings directory;
  const auto path = section.text("path");
  if (!path) {
    if (!section.has("path")) section.error("path is missing");
    return directory;
  }
  directory.path = path->value;
  if (!directory.path.is_absolute()) {
    section.error("path", path->quoted() + " isn't a full path, beginning with '/'");
  } else {
    // Not an error: a share that is away for an hour is a destination that is down, no reason to refuse submissions.
    warn_of_folder(section, *path, "give it to the relay's user");
  }
  return directory;
}

// The systems there are. One line each.
struct DestinationType {
  std::string_view name;
  const KeySection& (*keys)();
  void (*read)(const Section& section, DestinationSettings& destination);
};
template <auto read>
void read_system(const Section& section, DestinationSettings& destination) {
  destination.system = read(section);
}
template <auto read>
void read_system_over_http(const Section& section, DestinationSettings& destination) {
  read_system<read>(section, destination);
  destination.transport = read_transport(section);
}
void read_mllp_system(const Section& section, DestinationSettings& destination) {
  read_system<read_mllp_destination>(section, destination);
  destination.concurrency = 1;
}
constexpr std::array types = {
    DestinationType{"azure_storage_queue", keys::azure_storage_queue, read_system_over_http<read_azure_storage_queue>},
    DestinationType{"directory", keys::directory, read_system<read_directory>},
    DestinationType{"reportstream", keys::reportstream, read_system_over_http<read_reportstream>},
    DestinationType{"http", keys::http, read_system_over_http<read_http>},
    DestinationType{"mllp", keys::mllp_destination, read_mllp_system},
    DestinationType{"s3", keys::s3, read_system_over_http<read_s3>},
    DestinationType{"sftp", keys::sftp, read_system<read_sftp>},
};
constexpr std::array<std::string_view, 3> types_to_come = {"azure_service_bus", "rabbitmq", "redis"};

std::vector<std::string> type_names() {
  std::vector<std::string> names;
  names.reserve(types.size());
  for (const auto& type : types) names.emplace_back(type.name);
  return names;
}

// "there are azure_storage_queue, directory and reportstream"
std::string the_types_there_are() {
  std::string words = "there are ";
  for (std::size_t i = 0; i < types.size(); ++i) {
    if (i > 0) words += i + 1 == types.size() ? " and " : ", ";
    words += types.at(i).name;
  }
  return words;
}

bool is_to_come(const Text& type) {
  return std::ranges::find(types_to_come, type.value) != types_to_come.end();
}

const DestinationType* type_named(const Section& only_type, const Text& type) {
  const auto found = std::ranges::find(types, type.value, &DestinationType::name);
  if (found != types.end()) return &*found;
  if (is_to_come(type)) {
    only_type.reading().problems.error(type.place,
                                       only_type.name("type") + ": " + type.value + " isn't supported by this version");
    return nullptr;
  }
  std::string message = only_type.name("type") + ": " + type.quoted() + " is no type of destination";
  const auto nearest = type.shown ? nearest_name(type.value, type_names()) : std::nullopt;
  message += nearest ? "; did you mean `" + *nearest + "`?" : "; " + the_types_there_are();
  only_type.reading().problems.error(type.place, message);
  return nullptr;
}

// The type decides which keys are known, so it is looked for before the section is read.
std::optional<Text> type_of(const Reading& reading, const YAML::Node& node, const std::string& path, Place place) {
  if (!node.IsMap()) {
    reading.problems.error(place, path + " must be a section with at least `type`");
    return std::nullopt;
  }
  for (const auto& entry : node) {
    if (entry.first.IsScalar() && entry.first.Scalar() == "type") {
      return read_text(reading, entry.second, path + ".type", reading.document.place_of(entry.first.Mark()));
    }
  }
  reading.problems.error(place, path + ".type is missing; " + the_types_there_are());
  return std::nullopt;
}

// Of all types together.
const KeySection& keys_of_all() {
  static const KeySection all = [] {
    KeySection together{"destinations.NAME", {}};
    for (const DestinationType& type : types) {
      for (const Key& key : type.keys().keys) {
        if (together.find(key.name) == nullptr) together.keys.push_back(key);
      }
    }
    return together;
  }();
  return all;
}

void read_what_all_have(const Section& section, DestinationSettings& destination) {
  section.read("concurrency", destination.concurrency, 1, 256);
  section.read("timeout", destination.timeout, milliseconds(1), hours(1));
  section.read("alarm_after", destination.alarm_after, milliseconds(1), hours(24 * 365));
  destination.rate = read_rate(section);
  destination.backoff = read_backoff(section);
  destination.hold_windows = read_hold_windows(section);
}

std::optional<DestinationSettings> read_destination(const Reading& reading, const std::string& name,
                                                    const YAML::Node& node, Place place) {
  const std::string path = "destinations." + name;
  const auto type = type_of(reading, node, path, place);
  static const KeySection no_keys;
  const DestinationType* known =
      type ? type_named(Section(reading, YAML::Node(), path, no_keys, place), *type) : nullptr;
  DestinationSettings destination;
  destination.name = name;
  if (known == nullptr) {
    // Whatever type is meant: a key that none has is named, `typ` among them, and what all have is read.
    const bool looked_at = node.IsMap() && !(type && is_to_come(*type));
    if (looked_at) read_what_all_have(Section(reading, node, path, keys_of_all(), place), destination);
    return std::nullopt;
  }
  const Section section(reading, node, path, known->keys(), place);
  read_what_all_have(section, destination);
  known->read(section, destination);
  return destination;
}

}  // namespace

std::string_view destination_type_name(const DestinationSettings& destination) {
  // In the order of the variant.
  static constexpr std::array<std::string_view, std::variant_size_v<decltype(destination.system)>> names = {
      "azure_storage_queue", "directory", "reportstream", "http", "mllp", "s3", "sftp"};
  return names.at(destination.system.index());
}

std::vector<PlacedName> read_destinations(const Section& top, std::vector<DestinationSettings>& destinations) {
  std::vector<PlacedName> names;
  const Reading& reading = top.reading();
  const bool listed = top.has("destinations") && top.node("destinations").IsMap();
  if (!listed || top.node("destinations").size() == 0) {
    reading.problems.error(top.place("destinations"),
                           "destinations: there is none, so nothing could be delivered; name at least one");
    return names;
  }
  std::set<std::string> seen;
  for (const auto& entry : top.node("destinations")) {
    const Place place = reading.document.place_of(entry.first.Mark());
    const std::string name = entry.first.IsScalar() ? entry.first.Scalar() : "";
    if (!is_destination_name(name)) {
      reading.problems.error(
          place, "destinations: a name is a letter or digit, then letters, digits, '.', '_', '-'; at most 63");
      continue;
    }
    if (!seen.insert(name).second) {
      reading.problems.error(place, "destinations." + name + " stands here a second time; give it another name");
      continue;
    }
    names.push_back({name, place});
    if (auto destination = read_destination(reading, name, entry.second, place))
      destinations.push_back(std::move(*destination));
  }
  return names;
}

}  // namespace relay
