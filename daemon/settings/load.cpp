#include "settings/load.hpp"

#include <yaml-cpp/yaml.h>

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
  LoadedSettings loaded{read_settings(top), {}};
  if (problems.has_errors()) return Failure{problems.sorted()};
  loaded.settings.file = file;
  loaded.warnings = problems.sorted();
  return loaded;
}

std::filesystem::path admin_socket_of(const std::filesystem::path& file) {
  const std::filesystem::path fallback = AdminSettings{}.socket;
  const auto text = read_file(file);
  if (!text) return fallback;
  try {
    const YAML::Node root = YAML::Load(*text);
    if (!root.IsMap() || !root["admin"] || !root["admin"].IsMap()) return fallback;
    const YAML::Node socket = root["admin"]["socket"];
    if (!socket || !socket.IsScalar() || socket.Scalar().empty()) return fallback;
    // The path itself is no secret, and nothing else is resolved.
    const auto path = resolve_references(socket.Scalar());
    return path ? std::filesystem::path(*path) : fallback;
  } catch (const YAML::Exception&) {
    return fallback;
  }
}

}  // namespace relay
