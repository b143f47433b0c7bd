#include "operations/running_configuration.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "base/log.hpp"
#include "destinations/registry.hpp"
#include "operations/daemon_options.hpp"
#include "operations/notify.hpp"
#include "operations/restart_needed.hpp"

namespace relay {
namespace {

const DestinationSettings* find_destination(const Settings& settings, const std::string& name) {
  const auto found = std::ranges::find(settings.destinations, name, &DestinationSettings::name);
  return found == settings.destinations.end() ? nullptr : &*found;
}

// Which lanes end, and which begin.
struct LaneChanges {
  std::vector<std::string> ended;
  std::vector<Forwarder::NewLane> added;
};

LaneChanges lane_changes(const Settings& now, const ConfigurationPrint& print_now, const LoadedSettings& next) {
  LaneChanges changes;
  for (const DestinationSettings& old : now.destinations) {
    if (find_destination(next.settings, old.name) == nullptr) changes.ended.push_back(old.name);
  }
  for (const DestinationSettings& destination : next.settings.destinations) {
    const std::string key = "destinations." + destination.name;
    const bool known = find_destination(now, destination.name) != nullptr;
    if (known && print_now.of(key) == next.print.of(key)) continue;
    if (known) changes.ended.push_back(destination.name);
    changes.added.push_back({destination, make_destination(destination, next.settings.site, system_clock())});
  }
  return changes;
}

}  // namespace

RunningConfiguration::RunningConfiguration(LoadedSettings loaded, Parts parts)
    : settings_(std::move(loaded.settings)),
      print_(std::move(loaded.print)),
      print_at_start_(print_),
      parts_(std::move(parts)) {}

Result<void> RunningConfiguration::open_doors() {
  return parts_.doors.open(door_plans(settings_, print_, parts_.around));
}

ReloadOutcome RunningConfiguration::problem(const std::string& message) const {
  Problem problem;
  problem.file = settings_.file;
  problem.message = message;
  return {{problem.text()}, {}};
}

ReloadOutcome RunningConfiguration::reload() {
  auto loaded = load_settings(settings_.file);
  if (!loaded) {
    ReloadOutcome outcome;
    for (const Problem& one : loaded.error()) {
      // A warning kept nothing from being taken over.
      if (!one.warning) outcome.problems.push_back(one.text());
    }
    return outcome;
  }
  for (const Problem& warning : loaded->warnings) log_warning(warning.text());
  try {
    return take_over(std::move(*loaded));
  } catch (const std::exception& error) {
    return problem(std::string("the new configuration can't be put together: ") + error.what());
  }
}

ReloadOutcome RunningConfiguration::take_over(LoadedSettings loaded) {
  Settings& next = loaded.settings;
  log_groups_left_out(leave_out_unusable_groups(next));
  ReloadOutcome outcome;
  outcome.restart_needed = keys_for_a_restart(settings_, print_at_start_, next, loaded.print);
  keep_until_the_restart(settings_, next);
  LaneChanges lanes = lane_changes(settings_, print_, loaded);
  // What isn't routed to any more ends after the routes have changed, so that its lane takes nothing new meanwhile.
  auto doors = parts_.doors.replace(door_plans(next, loaded.print, parts_.around),
                                    [&] { parts_.receiver.change(next.intake, next.clients, route_table_of(next)); });
  if (!doors) return problem(doors.error().message);
  outcome.restart_needed.insert(outcome.restart_needed.end(), doors->begin(), doors->end());

  parts_.forwarder.replace(lanes.ended, std::move(lanes.added), next.shutdown_grace);
  configure_log(next.log_level, next.log_format, stderr_is_journald());
  parts_.tell_operations(next);
  settings_ = std::move(next);
  print_ = std::move(loaded.print);
  return outcome;
}

}  // namespace relay
