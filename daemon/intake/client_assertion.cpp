#include "intake/client_assertion.hpp"

#include <jwt.h>

#include <algorithm>
#include <memory>
#include <optional>

namespace relay {
namespace {

constexpr std::chrono::seconds skew{60};
constexpr std::chrono::hours longest_validity{1};
constexpr std::size_t longest_assertion = 16 * 1024;
constexpr std::size_t longest_jti = 512;

struct Freed {
  void operator()(jwt_t* token) const { jwt_free(token); }
};
using Jwt = std::unique_ptr<jwt_t, Freed>;

// Without a key: read only. With one: nothing unless that key signed it.
Jwt decode(const std::string& text, const std::string& public_key_pem = {}) {
  jwt_t* token = nullptr;
  const auto* key = reinterpret_cast<const unsigned char*>(public_key_pem.c_str());
  const int error = public_key_pem.empty()
                        ? jwt_decode(&token, text.c_str(), nullptr, 0)
                        : jwt_decode(&token, text.c_str(), key, static_cast<int>(public_key_pem.size()));
  return error == 0 ? Jwt(token) : nullptr;
}

bool is_of_a_key_pair(jwt_alg_t algorithm) {
  switch (algorithm) {
    case JWT_ALG_RS256:
    case JWT_ALG_RS384:
    case JWT_ALG_RS512:
    case JWT_ALG_ES256:
    case JWT_ALG_ES384:
    case JWT_ALG_ES512:
      return true;
    default:
      return false;
  }
}

std::string text_claim(jwt_t* token, const char* name) {
  const char* value = jwt_get_grant(token, name);
  return value ? value : "";
}

bool may_issue(const std::string& issuer, const std::string& client) {
  return issuer == client || client.substr(0, client.find('.')) == issuer;
}

}  // namespace

std::string_view assertion_problem_name(AssertionProblem problem) {
  switch (problem) {
    case AssertionProblem::unsigned_jwt:
      return "unsigned_jwt";
    case AssertionProblem::expired_token:
      return "expired_token";
    case AssertionProblem::no_org_found_for_iss:
      return "no_org_found_for_iss";
    case AssertionProblem::no_valid_keys:
      return "no_valid_keys";
    case AssertionProblem::malformed_jwt:
      break;
  }
  return "malformed_jwt";
}

void ClientAssertions::change(std::vector<SenderKey> keys) {
  const std::lock_guard lock(mutex_);
  keys_ = std::move(keys);
}

std::vector<SenderKey> ClientAssertions::keys() const {
  const std::lock_guard lock(mutex_);
  return keys_;
}

Result<ProvenSender, AssertionProblem> ClientAssertions::check(const std::string& assertion) const {
  if (assertion.size() > longest_assertion) return Failure{AssertionProblem::malformed_jwt};
  const Jwt unproven = decode(assertion);
  if (!unproven) return Failure{AssertionProblem::malformed_jwt};
  // What was read without a key has no algorithm for libjwt: only the header says it.
  const char* named = jwt_get_header(unproven.get(), "alg");
  const jwt_alg_t algorithm = named ? jwt_str_alg(named) : JWT_ALG_INVAL;
  if (algorithm == JWT_ALG_NONE) return Failure{AssertionProblem::unsigned_jwt};
  if (!is_of_a_key_pair(algorithm)) return Failure{AssertionProblem::no_valid_keys};

  const std::string issuer = text_claim(unproven.get(), "iss");
  bool known = false;
  for (const SenderKey& key : keys()) {
    if (!may_issue(issuer, key.client)) continue;
    known = true;
    const Jwt proven = decode(assertion, key.public_key_pem);
    if (!proven || jwt_get_alg(proven.get()) != algorithm) continue;
    const WallTime now = clock_.wall_now();
    const WallTime ends{std::chrono::seconds(jwt_get_grant_int(proven.get(), "exp"))};
    if (ends + skew <= now || ends > now + longest_validity + skew) return Failure{AssertionProblem::expired_token};
    const std::string jti = text_claim(proven.get(), "jti");
    if (jti.empty() || jti.size() > longest_jti) return Failure{AssertionProblem::malformed_jwt};
    return ProvenSender{key.client, issuer, key.client + '\n' + jti, ends + skew};
  }
  return Failure{known ? AssertionProblem::no_valid_keys : AssertionProblem::no_org_found_for_iss};
}

}  // namespace relay
