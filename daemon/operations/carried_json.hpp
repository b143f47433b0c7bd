// What an archive says of a submission that is carried by hand: everything the journal knows of it but its payload,
// with the deliveries that are undelivered.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "journal/operator_actions.hpp"

namespace relay {

// `payload_lost`: why the archive doesn't have its payload; empty where it has.
std::string carried_json(const SubmissionView& view, std::string_view payload_lost);

struct CarriedDescription {
  Submission submission;
  std::vector<DeliveryView> deliveries;  // each queued or a dead letter, with history
  bool payload_lost = false;
};
// Error: what isn't as carried_json writes it; without any text of it.
Result<CarriedDescription> parse_carried_json(std::string_view text);

}  // namespace relay
