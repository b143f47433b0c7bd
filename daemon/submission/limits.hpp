// What a destination can take, so that what could never be delivered is refused at the door.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/byte_count.hpp"

namespace relay {

struct DestinationLimits {
  ByteCount max_payload{UINT64_MAX};
  std::vector<std::string> content_types;  // empty: any
  bool reaches_reportstream = false;       // so that `validate: auto` means envelope
  bool goes_in_mllp_frames = false;        // so that it needs a control id, and no byte that ends or begins a frame
  std::string organization{};              // only clients of that org (lab of lab.default); empty: any
};

}  // namespace relay
