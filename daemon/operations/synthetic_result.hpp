// A made-up laboratory result for `submit --test`.
#pragma once

#include <string>

#include "base/clock.hpp"

namespace relay {

// HL7 v2.5.1 ORU^R01 with MSH-11 = T, an invented patient and the given control id, CR line ends.
std::string synthetic_hl7_result(WallTime now, const std::string& control_id);

}  // namespace relay
