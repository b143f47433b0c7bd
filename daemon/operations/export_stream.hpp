// The archive of everything undelivered, made a piece at a time: for each submission <id>/metadata.json and
// <id>/payload.<extension>. A payload is read to its end and checked before its first byte goes out; one that can't be
// read isn't there, and its metadata says so.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "journal/operator_actions.hpp"
#include "submission/payload_source.hpp"

namespace relay {

class ExportStream {
 public:
  using PayloadOf = std::function<Result<std::shared_ptr<PayloadSource>>(const SubmissionId&)>;
  ExportStream(std::unique_ptr<UndeliveredReader> reader, PayloadOf payload_of)
      : reader_(std::move(reader)), payload_of_(std::move(payload_of)) {}

  struct Step {
    std::string bytes;  // may be empty: it only went on
    bool over = false;
  };
  // A bounded amount of work. Error: the journal can't be read.
  Result<Step> next();
  std::uint64_t submissions() const { return submissions_; }  // that have begun
  std::uint64_t payloads_lost() const { return payloads_lost_; }

 private:
  enum class Part { submission, checking, payload, over };
  Result<Step> begin_submission();
  Result<Step> check();
  Result<Step> send();
  std::string metadata(std::string_view payload_lost);
  const SubmissionView& current() const { return batch_.at(at_); }

  const std::unique_ptr<UndeliveredReader> reader_;
  const PayloadOf payload_of_;
  std::vector<SubmissionView> batch_;
  std::size_t at_ = 0;
  Part part_ = Part::submission;
  std::shared_ptr<PayloadSource> payload_;
  std::uint64_t offset_ = 0;
  std::uint64_t submissions_ = 0;
  std::uint64_t payloads_lost_ = 0;
};

}  // namespace relay
