// From settings to a destination: the one list of the systems there are.
#pragma once

#include <memory>
#include <string>

#include "base/clock.hpp"
#include "destinations/destination.hpp"
#include "settings/settings.hpp"

namespace relay {

// Opens no connection.
std::unique_ptr<Destination> make_destination(const DestinationSettings& settings, const std::string& site,
                                              const Clock& clock);
// The limits that destination would have, without making it.
DestinationLimits limits_of(const DestinationSettings& settings);

}  // namespace relay
