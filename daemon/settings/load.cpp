#include "settings/load.hpp"

#include <yaml-cpp/yaml.h>

#include <optional>
#include <utility>

#include "base/file.hpp"
#include "settings/references.hpp"
#include "settings/section_readers.hpp"

namespace relay {
namespace {

void check_sizes(const Section& top, const Settings& settings) {
  if (settings.intake.max_payload > settings.journal.max_size) {
    const char* section = top.has("journal") ? "journal" : "intake";
    top.warning(section,
                "journal.max_size is smaller than intake.max_payload: a payload of that size could never be kept");
  }
}

// FILE:LINE:COLUMN: error: …
Failure<Error> problem_at(const std::filesystem::path& file, const YAML::Mark& mark, std::string message) {
  Problem problem;
  problem.file = file;
  if (!mark.is_null()) {
    problem.line = mark.line + 1;
    problem.column = mark.column + 1;
  }
  problem.message = std::move(message);
  return fail(problem.text());
}

// One scalar of the file, its own references resolved and nothing else's; nothing where it isn't there or is empty.
Result<std::optional<std::string>> one_value(const std::filesystem::path& file, const char* section, const char* key) {
  const auto text = read_file(file);
  if (!text) {
    return problem_at(file, YAML::Mark::null_mark(),
                      text.error().message + "; name the configuration with --config FILE");
  }
  try {
    const YAML::Node root = YAML::Load(*text);
    if (!root.IsMap() || !root[section] || !root[section].IsMap()) return std::optional<std::string>{};
    const YAML::Node value = root[section][key];
    if (!value || !value.IsScalar() || value.Scalar().empty()) return std::optional<std::string>{};
    auto resolved = resolve_references(value.Scalar());
    if (!resolved) {
      return problem_at(file, value.Mark(), std::string(section) + "." + key + ": " + resolved.error().front().message);
    }
    return std::optional<std::string>(std::move(*resolved));
  } catch (const YAML::Exception& error) {
    return problem_at(file, error.mark, "this is no YAML; `edge-relay check` says more");
  }
}

// `socket: /path` behind `admin:`, as far as it can be told without reading the text as YAML.
std::optional<std::string> socket_in_broken_yaml(std::string_view text) {
  constexpr std::string_view blank = " \t\"'";
  std::size_t at = text.find("admin");
  for (;;) {
    if (at == std::string_view::npos) return std::nullopt;
    at = text.find("socket", at);
    if (at == std::string_view::npos) return std::nullopt;
    at += std::string_view("socket").size();
    const std::size_t colon = text.find_first_not_of(blank, at);
    if (colon == std::string_view::npos || text[colon] != ':') continue;
    const std::size_t begin = text.find_first_not_of(blank, colon + 1);
    if (begin == std::string_view::npos || text[begin] != '/') continue;
    return std::string(text.substr(begin, text.find_first_of("\"',}\r\n #", begin) - begin));
  }
}

Settings read_settings(const Section& top) {
  Settings settings;
  std::vector<PlacedListener> listeners;
  read_top(top, settings);
  read_journal(top, settings.journal);
  read_intake(top, settings.intake, listeners);
  read_admin(top, settings.admin, listeners);
  check_listeners_apart(top.reading(), listeners);
  const auto names = read_destinations(top, settings.destinations);
  read_routes(top, names, settings);
  check_folders_apart(top, settings);
  check_sizes(top, settings);
  return settings;
}

}  // namespace

Result<LoadedSettings, std::vector<Problem>> load_settings(const std::filesystem::path& file) {
  ProblemList problems(file);
  auto text = read_file(file);
  if (!text) {
    problems.error({}, text.error().message + "; name the configuration with --config FILE");
    return Failure{problems.sorted()};
  }
  const YamlDocument document(std::move(*text), problems);
  const bool mapping = !document.root().IsDefined() || document.root().IsNull() || document.root().IsMap();
  if (!mapping) problems.error({}, "the configuration must be lines of `key: value`, with at least `destinations:`");
  if (problems.has_errors()) return Failure{problems.sorted()};

  const Section top(Reading{document, problems}, document.root(), "", keys::top(), Place{});
  LoadedSettings loaded{read_settings(top), {}, {}};
  if (problems.has_errors()) return Failure{problems.sorted()};
  loaded.settings.file = file;
  loaded.warnings = problems.sorted();
  loaded.print = ConfigurationPrint(document);
  return loaded;
}

std::filesystem::path admin_socket_of(const std::filesystem::path& file) {
  const auto socket = one_value(file, "admin", "socket");
  if (socket && *socket) return **socket;
  // A file that is broken somewhere is just what an operator asks the daemon about.
  const auto text = socket ? Result<std::string, FileError>(std::string()) : read_file(file);
  const auto seen = text ? socket_in_broken_yaml(*text) : std::nullopt;
  return seen ? std::filesystem::path(*seen) : AdminSettings{}.socket;
}

Result<std::filesystem::path> journal_path_of(const std::filesystem::path& file) {
  const auto path = one_value(file, "journal", "path");
  if (!path) return Failure{path.error()};
  return *path ? std::filesystem::path(**path) : JournalSettings{}.path;
}

Result<std::vector<Secret>> journal_keys_of(const std::filesystem::path& file) {
  const auto text = read_file(file);
  if (!text) return fail(text.error().message);
  std::vector<std::string> written;
  try {
    const YAML::Node root = YAML::Load(*text);
    const YAML::Node value = root.IsMap() && root["journal"] && root["journal"].IsMap()
                                 ? root["journal"]["encryption_key"]
                                 : YAML::Node(YAML::NodeType::Undefined);
    if (value && value.IsScalar()) written.push_back(value.Scalar());
    if (value && value.IsSequence()) {
      for (const YAML::Node& item : value) written.push_back(item.IsScalar() ? item.Scalar() : "");
    }
  } catch (const YAML::Exception&) {
    return fail(file.native() + " is no YAML; `edge-relay check` says where");
  }
  std::vector<Secret> keys;
  for (const std::string& one : written) {
    const std::string name = file.native() + ": journal.encryption_key";
    const auto resolved = resolve_references(one);
    if (!resolved) return fail(name + ": " + resolved.error().front().message);
    auto key = parse_encryption_key(*resolved);
    if (!key) return fail(name + " isn't 32 bytes as base64");
    keys.push_back(std::move(*key));
  }
  return keys;
}

}  // namespace relay
