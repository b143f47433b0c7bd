// What `check --connect` says of how long a server's certificate lasts: once it has ended, nothing goes there.
#pragma once

#include "base/clock.hpp"
#include "destinations/destination.hpp"

namespace relay {

// "TLS: the certificate holds, for another 82 days"
ProbeFinding certificate_days(WallTime end, WallTime now);

}  // namespace relay
