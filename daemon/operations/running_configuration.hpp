// RunningConfiguration: the configuration that is in force, and how another takes its place without losing a connection
// or a submission: the new file is checked whole, everything that can fail is done first, and only then anything
// changes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "forwarder/forwarder.hpp"
#include "intake/receiver.hpp"
#include "operations/door_plans.hpp"
#include "operations/doors.hpp"
#include "operations/reload_queue.hpp"
#include "settings/load.hpp"

namespace relay {

// Used by one thread at a time.
class RunningConfiguration {
 public:
  struct Parts {
    Doors& doors;
    Forwarder& forwarder;
    Receiver& receiver;
    DoorSurroundings around;
    // Hands the settings over to what belongs to the operations thread.
    std::function<void(const Settings&)> tell_operations;
  };

  RunningConfiguration(LoadedSettings loaded, Parts parts);

  const Settings& settings() const { return settings_; }
  // Opens the doors. Once, before the first reload.
  Result<void> open_doors();
  // Reads the file again and takes it over. Blocks on files, and on what is in flight for destinations that change.
  ReloadOutcome reload();

 private:
  ReloadOutcome take_over(LoadedSettings loaded);
  ReloadOutcome problem(const std::string& message) const;

  Settings settings_;  // in force; so without what only a restart takes over
  ConfigurationPrint print_;
  const ConfigurationPrint print_at_start_;
  const Parts parts_;
};

}  // namespace relay
