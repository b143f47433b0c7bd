// Section: one mapping of the configuration, read against its table of keys. Making one reports the keys that are
// unknown, repeated or not built yet; each read() reports a bad value and leaves its target as it was.
#pragma once

#include <yaml-cpp/yaml.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/byte_count.hpp"
#include "settings/key_table.hpp"
#include "settings/problem_list.hpp"
#include "settings/secret_text.hpp"
#include "settings/yaml_document.hpp"

namespace relay {

// What every reader of a part of the file is handed.
struct Reading {
  const YamlDocument& document;
  ProblemList& problems;
};

// A string with its references resolved.
struct Text {
  std::string unresolved;
  std::string value;
  Place place;
  bool shown = true;  // false: came by reference, or over several lines

  // For a message: "the value" in quotes, or words instead where it must not be shown.
  std::string quoted() const;
};

// Reports what isn't a string, or holds a reference that can't be read. `name` says whose value it is.
std::optional<Text> read_text(const Reading& reading, const YAML::Node& node, const std::string& name, Place fallback);

class Section {
 public:
  // `path` names the mapping in messages: "intake.http[0]"; empty for the file. `at` is where it is, should it be
  // empty.
  Section(const Reading& reading, const YAML::Node& node, std::string path, const KeySection& known, Place at);

  const Reading& reading() const { return reading_; }
  Place place() const { return place_; }
  // Present, built and not empty.
  bool has(std::string_view key) const { return entries_.contains(key); }
  // Of the value; of the section where there is none.
  Place place(std::string_view key) const;
  const YAML::Node& node(std::string_view key) const { return entries_.find(key)->second.value; }
  // "intake.max_payload"
  std::string name(std::string_view key) const;

  // Nothing where absent or bad.
  std::optional<Text> text(std::string_view key) const;
  // Nothing where absent or bad as a whole; a bad item is reported and left out.
  std::optional<std::vector<Text>> texts(std::string_view key) const;
  // Items with their names ("routes[0]") of a list; nothing where absent or no list.
  std::vector<std::pair<std::string, YAML::Node>> items(std::string_view key) const;
  // The mapping under `key`; an empty one where absent.
  Section section(std::string_view key, const KeySection& known) const;

  void read(std::string_view key, SecretText& target) const;
  void read(std::string_view key, bool& target) const;
  void read(std::string_view key, std::chrono::milliseconds& target, std::chrono::milliseconds least,
            std::chrono::milliseconds most) const;
  void read(std::string_view key, ByteCount& target, ByteCount least, ByteCount most) const;
  void read(std::string_view key, std::size_t& target, std::size_t least, std::size_t most) const;
  void read_mode(std::string_view key, unsigned& target) const;

  template <class E>
  void read_one_of(std::string_view key, E& target, const std::vector<std::pair<std::string_view, E>>& choices) const {
    const auto written = text(key);
    if (!written) return;
    std::vector<std::string> names;
    for (const auto& [choice_name, value] : choices) {
      if (choice_name == written->value) {
        target = value;
        return;
      }
      names.emplace_back(choice_name);
    }
    not_one_of(key, *written, names);
  }

  // "NAME of the key: message", at the key's value.
  void error(std::string_view key, const std::string& message) const;
  // "NAME of the section: message", at the section: for what is missing in it.
  void error(const std::string& message) const;
  void warning(std::string_view key, const std::string& message) const;
  void not_supported(std::string_view key, const std::string& value) const;

 private:
  struct Entry {
    YAML::Node value;
    Place place;
  };

  void take_entries(const YAML::Node& node, const KeySection& known);
  void take_entry(const std::string& key, Place key_place, const YAML::Node& value, const KeySection& known);
  void report_unknown(const std::string& key, Place key_place, const KeySection& known) const;
  void not_one_of(std::string_view key, const Text& written, const std::vector<std::string>& choices) const;

  Reading reading_;
  std::string path_;
  Place place_;
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace relay
