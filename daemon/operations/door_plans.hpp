// From the settings to the doors they ask for. A new kind of door is one line here.
#pragma once

#include <vector>

#include "base/connection_server.hpp"
#include "intake/receiver.hpp"
#include "journal/journal.hpp"
#include "operations/doors.hpp"
#include "settings/configuration_print.hpp"
#include "settings/settings.hpp"

namespace relay {

// What every door is made with; outlives them all.
struct DoorSurroundings {
  ServingContext intake;
  Receiver& receiver;
  Journal& journal;
};

std::vector<DoorPlan> door_plans(const Settings& settings, const ConfigurationPrint& print,
                                 const DoorSurroundings& around);

}  // namespace relay
