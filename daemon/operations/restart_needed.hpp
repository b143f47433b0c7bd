// What a reload can't take over: what belongs to the journal, to the operator endpoint's addresses, or to a service
// manager that passes it at the start alone.
#pragma once

#include <string>
#include <vector>

#include "settings/configuration_print.hpp"
#include "settings/settings.hpp"

namespace relay {

// The keys with a new value that only a restart takes over, sorted, each once. `now`: what is in force.
std::vector<std::string> keys_for_a_restart(const Settings& now, const ConfigurationPrint& print_at_start,
                                            const Settings& next, const ConfigurationPrint& print_next);
// `next` gets what is in force now for all of those, so that the parts agree with each other until the restart.
void keep_until_the_restart(const Settings& now, Settings& next);

}  // namespace relay
