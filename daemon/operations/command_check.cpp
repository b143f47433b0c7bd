// `edge-relay check`: validates the configuration; with --connect it also asks each destination.
#include <ostream>

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>

#include "destinations/registry.hpp"
#include "operations/commands.hpp"
#include "operations/daemon_options.hpp"
#include "operations/human_text.hpp"
#include "settings/describe.hpp"
#include "settings/load.hpp"

namespace relay {
namespace {

namespace json = boost::json;

std::string_view kind_name(ProbeFinding::Kind kind) {
  switch (kind) {
    case ProbeFinding::Kind::good:
      return "good";
    case ProbeFinding::Kind::bad:
      return "bad";
    case ProbeFinding::Kind::not_checked:
      return "not_checked";
  }
  return "bad";
}

json::array texts_of(const std::vector<Problem>& problems) {
  json::array texts;
  for (const Problem& problem : problems) texts.push_back(json::value(problem.text()));
  return texts;
}

// The same as the lines, in one object.
ExitCode check_in_json(const CheckCommand& command, std::ostream& out) {
  const auto loaded = load_settings(command.configuration);
  json::object said{{"problems", loaded ? json::array() : texts_of(loaded.error())},
                    {"warnings", loaded ? texts_of(loaded->warnings) : json::array()}};
  bool good = true;
  if (loaded) {
    said["routes"] = json::value_from(describe_routes(loaded->settings, limits_of_all(loaded->settings)));
    json::array findings;
    for (const auto& settings : loaded->settings.destinations) {
      if (!command.connect) break;
      for (const ProbeFinding& finding : make_destination(settings, loaded->settings.site, system_clock())->probe()) {
        good = good && finding.kind != ProbeFinding::Kind::bad;
        findings.push_back(json::object{
            {"destination", settings.name}, {"kind", kind_name(finding.kind)}, {"text", one_line(finding.text)}});
      }
    }
    if (command.connect) said["findings"] = std::move(findings);
  }
  out << json::serialize(said) << std::endl;
  if (!loaded) return ExitCode::configuration;
  return good ? ExitCode::success : ExitCode::failure;
}

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
  if (command.json) return check_in_json(command, streams.out);
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
