// `edge-relay check`: validates the configuration; with --connect it also asks each destination.
#include <ostream>

#include <fmt/format.h>

#include "destinations/registry.hpp"
#include "operations/commands.hpp"
#include "operations/daemon_options.hpp"
#include "operations/human_text.hpp"
#include "settings/describe.hpp"
#include "settings/load.hpp"

namespace relay {
namespace {

// One line a finding; false where a destination wouldn't take a submission.
bool connect(const DestinationSettings& settings, const std::string& site, const Streams& streams) {
  bool good = true;
  for (const ProbeFinding& finding : make_destination(settings, site, system_clock())->probe()) {
    const std::string text = one_line(finding.text);
    switch (finding.kind) {
      case ProbeFinding::Kind::good:
        streams.out << fmt::format("{}: {}\n", settings.name, text);
        break;
      case ProbeFinding::Kind::bad:
        streams.err << fmt::format("{}: error: {}\n", settings.name, text);
        good = false;
        break;
      case ProbeFinding::Kind::not_checked:
        streams.out << fmt::format("not checked: {}: {}\n", settings.name, text);
        break;
    }
    streams.out.flush();
  }
  return good;
}

}  // namespace

ExitCode execute(const CheckCommand& command, const Streams& streams) {
  const auto loaded = load_settings(command.configuration);
  const auto& problems = loaded ? loaded->warnings : loaded.error();
  for (const Problem& problem : problems) streams.err << problem.text() << "\n";
  streams.err.flush();
  if (!loaded) return ExitCode::configuration;
  for (const std::string& line : describe_routes(loaded->settings, limits_of_all(loaded->settings))) {
    streams.out << line << "\n";
  }
  streams.out.flush();
  if (!command.connect) return ExitCode::success;
  bool good = true;
  for (const auto& destination : loaded->settings.destinations) {
    good = connect(destination, loaded->settings.site, streams) && good;
  }
  return good ? ExitCode::success : ExitCode::failure;
}

}  // namespace relay
