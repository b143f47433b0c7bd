// The problems a door answers with (contract, "Errors"; RFC 9457).
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace relay {

enum class ProblemName {
  malformed_request,
  empty_payload,
  digest_mismatch,
  bad_client,
  no_client,
  invalid_payload,
  unauthenticated,
  client_not_allowed,
  foreign_host,
  foreign_origin,
  not_found,
  method_not_allowed,
  request_timeout,
  headers_too_large,
  payload_too_large,
  content_type_missing,
  content_type_not_taken,
  idempotency_conflict,
  no_route,
  rate_limited,
  journal_full,
  disk_low,
  journal_failing,
  memory_full,
  stopping,
  wrong_state,
};
std::string_view problem_name(ProblemName name);
unsigned problem_status(ProblemName name);
// Every name, so that each counter by reason exists from the start.
std::span<const ProblemName> all_problem_names();

struct RequestProblem {
  ProblemName name = ProblemName::malformed_request;
  std::string detail;  // a sentence for the sender; no payload bytes
  std::optional<std::chrono::seconds> retry_after{};
  // Header fields that an HTTP door adds: Accept-Post, Accept-Encoding, Allow.
  std::vector<std::pair<std::string, std::string>> fields{};
};

// {"type":"urn:edge-relay:problem:…","title":…,"status":…,"detail":…}
std::string problem_json(const RequestProblem& problem);

}  // namespace relay
