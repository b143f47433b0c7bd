// A payload as the body of an HTTP request: read piece by piece while it is sent.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/http_client.hpp"
#include "submission/outcome.hpp"
#include "submission/payload_source.hpp"

namespace relay {

class PayloadBody final : public HttpBodySource {
 public:
  explicit PayloadBody(std::shared_ptr<PayloadSource> payload) : payload_(std::move(payload)) {}

  ByteCount size() const override { return payload_->size(); }
  Result<std::string> read(std::uint64_t offset, std::size_t limit) override;
  // Why the last read failed; nothing where it didn't.
  const std::optional<PayloadError>& failure() const { return failure_; }

 private:
  std::shared_ptr<PayloadSource> payload_;
  std::optional<PayloadError> failure_{};
};

// What a payload that can't be read means for its delivery: a corrupt one is refused for good, an unreadable one is
// tried a second later, which holds the lane and costs no attempt.
AttemptResult unreadable_payload(const PayloadError& error);

// The whole payload, at most `limit` bytes of it; for what is sent in one piece.
Result<std::string, PayloadError> read_whole_payload(PayloadSource& payload, ByteCount limit);

}  // namespace relay
