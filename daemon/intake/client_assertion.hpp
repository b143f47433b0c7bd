// Client assertions: JWTs with which a sender proves that it holds the key of a client (RFC 7523 section 2.2, as
// ReportStream asks for them). Signatures are checked by libjwt; RSA and EC keys alone, so that no public key is ever
// taken for a shared secret.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "settings/access_settings.hpp"

namespace relay {

// The names that ReportStream gives its refusals.
enum class AssertionProblem { malformed_jwt, unsigned_jwt, expired_token, no_org_found_for_iss, no_valid_keys };
std::string_view assertion_problem_name(AssertionProblem problem);

struct ProvenSender {
  std::string client;
  std::string issuer;  // `iss` as the assertion says it
  std::string mark;    // what may be used once: its client and its `jti`
  WallTime until{};    // from then on the assertion is refused for its age
};

// Thread-safe.
class ClientAssertions {
 public:
  // `clock` outlives it. No key is known yet.
  explicit ClientAssertions(const Clock& clock) : clock_(clock) {}

  // These keys from now on.
  void change(std::vector<SenderKey> keys);

  // `iss` is the client's name or its organization (what stands before the first dot); `exp` is to come, at most an
  // hour away (60 seconds of skew are granted). That `jti` is used once is for the caller to see to
  // (journal/use_once.hpp).
  Result<ProvenSender, AssertionProblem> check(const std::string& assertion) const;

 private:
  std::vector<SenderKey> keys() const;

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::vector<SenderKey> keys_;
};

}  // namespace relay
