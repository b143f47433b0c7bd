// Destination mllp: hands HL7 v2 messages to a receiver over MLLP (framing: submission/mllp_frame.hpp; what its answers
// mean: mllp_answers.hpp). One connection is kept, with one message in flight on it; those that come meanwhile wait.
// The payload goes out as it came. The receiver knows a message by its MSH-10 (of a batch BHS-11, else FHS-11), which
// is the sender's: two submissions with one MSH-10 are one message to it.
#pragma once

#include <memory>

#include "destinations/destination.hpp"
#include "settings/settings.hpp"

namespace relay {

std::unique_ptr<Destination> make_mllp(const DestinationSettings& destination, const MllpDestinationSettings& settings);
DestinationLimits mllp_limits();

}  // namespace relay
