// What each route takes, in words: the standard output of `check`.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "settings/settings.hpp"
#include "submission/limits.hpp"

namespace relay {

// One line a route, then `otherwise`: who matches, where it goes, which content types it takes, up to which size.
// `limits` by destination's name (limits_of).
std::vector<std::string> describe_routes(const Settings& settings,
                                         const std::map<std::string, DestinationLimits>& limits);

// "route 2: client lab.*, MSH-9 ORU^R01 -> reportstream, archive"; of a route of that table.
std::string describe_route(const RouteTable& table, const Route& route);

}  // namespace relay
