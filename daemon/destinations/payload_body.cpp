#include "destinations/payload_body.hpp"

#include <chrono>

namespace relay {

Result<std::string> PayloadBody::read(std::uint64_t offset, std::size_t limit) {
  failure_.reset();
  auto piece = payload_->read(offset, limit);
  if (!piece) {
    failure_ = std::move(piece).error();
    return fail(failure_->message);
  }
  if (piece->empty()) {
    failure_ = PayloadError{PayloadFailure::corrupt, "the payload ends before its recorded size"};
    return fail(failure_->message);
  }
  return std::move(piece).value();
}

AttemptResult unreadable_payload(const PayloadError& error) {
  // An erased one can't be sent either; only damage makes one of a queued delivery so.
  const bool corrupt = error.failure != PayloadFailure::unreadable;
  AttemptResult result;
  result.outcome = corrupt ? Outcome::refused : Outcome::try_later;
  DeliveryError reason;
  reason.kind = corrupt ? ErrorKind::corrupt : ErrorKind::unavailable;
  reason.message = error.message;
  result.error = std::move(reason);
  // A journal that can't be read now says nothing about this payload: the lane waits, and no attempt is counted.
  if (!corrupt) result.retry_after = std::chrono::seconds(1);
  return result;
}

Result<std::string, PayloadError> read_whole_payload(PayloadSource& payload, ByteCount limit) {
  if (payload.size() > limit)
    return Failure{PayloadError{PayloadFailure::unreadable, "the payload is larger than one message"}};
  std::string bytes;
  while (bytes.size() < payload.size().value) {
    auto piece = payload.read(bytes.size(), static_cast<std::size_t>(payload.size().value - bytes.size()));
    if (!piece) return Failure{piece.error()};
    if (piece->empty())
      return Failure{PayloadError{PayloadFailure::corrupt, "the payload ends before its recorded size"}};
    bytes += *piece;
  }
  return bytes;
}

}  // namespace relay
