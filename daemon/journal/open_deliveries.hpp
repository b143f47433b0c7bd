// How many deliveries of a stopped journal nobody has taken over or given up: what a package asks before it erases
// anything. Needs no configuration and no key; opens read-only and changes nothing.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace relay {

// Queued ones and dead letters. Error: no journal there, one that a relay holds, that was written by another version,
// whose newest commits are missing, or that can't be read; then nobody may take it for an empty one.
Result<std::uint64_t> count_open_deliveries(const std::string& path);

}  // namespace relay
