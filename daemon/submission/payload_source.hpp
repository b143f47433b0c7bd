// PayloadSource: the bytes of one payload for a destination to send, wherever they are kept.
#pragma once

#include <cstdint>
#include <string>

#include "base/byte_count.hpp"
#include "base/result.hpp"

namespace relay {

enum class PayloadFailure {
  corrupt,     // digest or seal doesn't hold: this payload can never be sent
  unreadable,  // the journal can't be read now
  erased,      // kept as long as it had to be (journal.keep_delivered_payload)
};
struct PayloadError {
  PayloadFailure failure = PayloadFailure::unreadable;
  std::string message;
};

// Used by one thread at a time.
class PayloadSource {
 public:
  virtual ~PayloadSource() = default;
  virtual ByteCount size() const = 0;
  // At most `limit` bytes from `offset` on; empty at the end. Reading in order hashes along the way, and the read that
  // would give out the last byte fails as corrupt where the SHA-256 taken at intake doesn't hold.
  virtual Result<std::string, PayloadError> read(std::uint64_t offset, std::size_t limit) = 0;
};

}  // namespace relay
