// A payload as it stands in a row (an inline payload, or one chunk): plain behind one byte that says so (scheme 0), or
// sealed (scheme 1, payload_cipher.hpp).
#pragma once

#include <optional>
#include <string>

#include "base/uuid.hpp"
#include "journal/payload_cipher.hpp"
#include "journal/row_digest.hpp"

namespace relay {

// What a seal binds a row to, so that rows can't be exchanged.
struct PayloadRowPlace {
  Uuid submission;
  std::uint32_t chunk = 0;
  bool last = true;
  // Of an inline payload. A chunk is sealed before the rest of its submission is known: the submission's own row
  // digest, which covers the payload's, ties them.
  RowDigest row_digest{};
};

std::string frame_payload(std::string bytes, const PayloadRowPlace& place, const PayloadCipher& cipher);
// The bytes within `row`; nothing where the header is none that this version knows or the seal doesn't hold.
std::optional<std::string> unframe_payload(std::string row, const PayloadRowPlace& place, const PayloadCipher& cipher);
bool is_sealed_payload(std::string_view row);

}  // namespace relay
