// A payload in memory that can be made to fail as the journal's can, and the submission that goes with it.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/uuid.hpp"
#include "submission/payload_source.hpp"
#include "submission/submission.hpp"

namespace relay {

class MemoryPayload final : public PayloadSource {
 public:
  explicit MemoryPayload(std::string bytes) : bytes_(std::move(bytes)) {}
  // The read that would give out the last byte fails so.
  void fail_at_the_end(PayloadFailure failure) { failure_ = failure; }
  std::size_t largest_read() const { return largest_read_; }

  ByteCount size() const override { return {bytes_.size()}; }
  Result<std::string, PayloadError> read(std::uint64_t offset, std::size_t limit) override {
    largest_read_ = std::max(largest_read_, limit);
    if (offset >= bytes_.size()) return std::string();
    std::string piece = bytes_.substr(static_cast<std::size_t>(offset), limit);
    if (failure_ && offset + piece.size() >= bytes_.size())
      return Failure{PayloadError{*failure_, "the test says that this can't be read"}};
    return piece;
  }

 private:
  std::string bytes_;
  std::optional<PayloadFailure> failure_{};
  std::size_t largest_read_ = 0;
};

inline Submission submission_of(std::string_view payload, std::string client = "Lab.Default",
                                std::string content_type = "application/hl7-v2") {
  static UuidGenerator ids(system_clock());
  Submission submission;
  submission.id = ids.next();
  submission.client = std::move(client);
  submission.content_type = std::move(content_type);
  submission.size = {payload.size()};
  submission.sha256 = sha256(payload);
  submission.accepted_at = system_clock().wall_now();
  return submission;
}

}  // namespace relay
