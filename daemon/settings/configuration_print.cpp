#include "settings/configuration_print.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/file.hpp"
#include "settings/key_table.hpp"
#include "settings/references.hpp"
#include "settings/yaml_document.hpp"

namespace relay {
namespace {

// Keys whose value is the path of a file that is read when the part that uses it is made.
constexpr std::array<std::string_view, 5> path_keys = {"certificate", "key", "client_ca", "ca_file", "host_key"};

std::string_view last_part(std::string_view path) {
  return path.substr(path.find_last_of('.') + 1);
}

bool is_under(std::string_view path, std::string_view prefix) {
  return path.starts_with(prefix) &&
         (path.size() == prefix.size() || path[prefix.size()] == '.' || path[prefix.size()] == '[');
}

// journal.encryption_key[0] → journal.encryption_key; destinations.a.backoff.max → destinations.a.backoff.
std::string name_below(std::string_view path, std::string_view prefix) {
  const std::size_t begin = std::min(path.size(), prefix.size() + 1);
  return std::string(path.substr(0, path.find_first_of(".[", begin)));
}

Digest print_of(std::string_view text) {
  return sha256("value:" + std::string(text));
}

// The default of journal.* and intake.*, as it would be written.
std::string_view default_of(std::string_view path) {
  const std::size_t dot = path.find('.');
  if (dot == std::string_view::npos) return {};
  for (const KeySection* section : keys::all()) {
    if (section->path != path.substr(0, dot)) continue;
    const Key* key = section->find(path.substr(dot + 1));
    return key == nullptr ? std::string_view{} : key->fallback;
  }
  return {};
}

struct Reader {
  std::map<std::string, Digest, std::less<>> values;
  std::vector<std::string> changed_credentials;

  void read(const YAML::Node& node, const std::string& path) {
    if (node.IsMap()) {
      for (const auto& entry : node) {
        if (entry.first.IsScalar()) read(entry.second, (path.empty() ? "" : path + ".") + entry.first.Scalar());
      }
    } else if (node.IsSequence()) {
      // An empty list says something, too.
      values[path] = sha256("list of " + std::to_string(node.size()));
      for (std::size_t i = 0; i < node.size(); ++i) read(node[i], path + "[" + std::to_string(i) + "]");
    } else if (node.IsScalar()) {
      read_scalar(node.Scalar(), path);
    }
  }

  void read_scalar(const std::string& text, const std::string& path) {
    auto resolved = resolve_references(text);
    std::string value = resolved ? *resolved : text;
    if (credential_changed(text)) changed_credentials.push_back(path);
    const bool names_a_file =
        std::ranges::find(path_keys, last_part(path)) != path_keys.end() && value.starts_with('/');
    if (names_a_file) {
      if (const auto content = read_file(value)) value += "\n" + *content;
    }
    values[path] = print_of(value);
  }
};

}  // namespace

ConfigurationPrint::ConfigurationPrint(const YamlDocument& document) {
  Reader reader{{}, {}};
  reader.read(document.root(), "");
  values_ = std::move(reader.values);
  changed_credentials_ = std::move(reader.changed_credentials);
}

Digest ConfigurationPrint::of(std::string_view prefix) const {
  Sha256 hash;
  for (auto at = values_.lower_bound(prefix); at != values_.end() && at->first.starts_with(prefix); ++at) {
    if (!is_under(at->first, prefix)) continue;
    hash.update(at->first.substr(prefix.size()));
    hash.update(at->second.hex());
  }
  return hash.finish();
}

std::vector<std::string> ConfigurationPrint::differences(const ConfigurationPrint& other,
                                                         std::string_view prefix) const {
  std::vector<std::string> names;
  const auto compare = [&](const ConfigurationPrint& one, const ConfigurationPrint& two) {
    for (auto at = one.values_.lower_bound(prefix); at != one.values_.end() && at->first.starts_with(prefix); ++at) {
      if (!is_under(at->first, prefix)) continue;
      const auto found = two.values_.find(at->first);
      const bool same =
          found == two.values_.end() ? at->second == print_of(default_of(at->first)) : at->second == found->second;
      if (!same) names.push_back(name_below(at->first, prefix));
    }
  };
  compare(*this, other);
  compare(other, *this);
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace relay
