// A payload as it stands in a row (an inline payload, or one chunk): a header, then the bytes. The header's first byte
// is the scheme. Scheme 0 is plain: nothing more in the header. Scheme 1 is kept for AES-256-GCM: key id (4 bytes),
// nonce (12 bytes), ciphertext, tag (16 bytes), with id, chunk number and last flag as associated data.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/uuid.hpp"

namespace relay {

// What a seal binds a row to, so that rows can't be exchanged.
struct PayloadRowPlace {
  Uuid submission;
  std::uint32_t chunk = 0;
  bool last = true;
};

std::string frame_payload(std::string bytes, const PayloadRowPlace& place);
// The bytes within `row`; nothing where the header is none that this version knows or the seal doesn't hold.
std::optional<std::string_view> unframe_payload(std::string_view row, const PayloadRowPlace& place);

}  // namespace relay
