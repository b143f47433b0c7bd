#include "destinations/oauth_token.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "base/http_text.hpp"
#include "destinations/http_answer.hpp"
#include "destinations/json_answer.hpp"

namespace relay {
namespace {

using std::chrono::seconds;

constexpr seconds usual_token_life{300};
constexpr seconds longest_token_life{24 * 3600};

// The errors of RFC 6749 and ReportStream's own: names, no text of a request.
constexpr std::array<std::string_view, 14> known_errors = {"expired_token",
                                                           "unsigned_jwt",
                                                           "malformed_jwt",
                                                           "invalid_scope",
                                                           "no_valid_keys",
                                                           "no_org_found_for_iss",
                                                           "missing_client_assertion",
                                                           "missing_scope",
                                                           "invalid_client",
                                                           "invalid_grant",
                                                           "invalid_request",
                                                           "unauthorized_client",
                                                           "unsupported_grant_type",
                                                           "access_denied"};

AttemptResult broken(DeliveryError error) {
  error.message = "token: " + error.message;
  AttemptResult result;
  result.outcome = Outcome::broken;
  result.error = std::move(error);
  return result;
}

// What a status other than success says, but for what 400 and 401 have to say in their body.
std::pair<ErrorKind, std::string_view> meaning_of(unsigned status) {
  switch (status) {
    case 400:
    case 401:
      return {ErrorKind::sign_in, "the sign-in isn't taken"};
    case 403:
      return {ErrorKind::forbidden, "asking for a token isn't allowed from here"};
    case 404:
      return {ErrorKind::not_found, "nothing gives out tokens there: check url or auth.token_url"};
    case 407:
    case 511:
      return {ErrorKind::proxy, "the network or its proxy wants a sign-in first"};
    case 410:
      return {ErrorKind::gone, "no tokens are given out there any more"};
    case 429:
      return {ErrorKind::throttled, "too many tokens were asked for"};
    default:
      break;
  }
  if (status >= 300 && status < 400) return {ErrorKind::redirect, "redirects are never followed: check auth.token_url"};
  if (status >= 500 && status < 600) return {ErrorKind::unavailable, "the service that gives out tokens failed"};
  return {ErrorKind::unexpected_answer, "this isn't the answer of a service that gives out tokens"};
}

AttemptResult refusal(const HttpClientResponse& response, WallTime now) {
  const auto [kind, words] = meaning_of(response.status);
  AttemptResult result = broken_token(response, kind, std::string(words));
  if (response.status == 400 || response.status == 401 || response.status == 403) {
    const auto difference = clock_difference(response, now);
    if (difference && std::chrono::abs(*difference) > clock_tolerance) {
      result.error->kind = ErrorKind::clock;
      result.error->message += ": " + clock_words(*difference, "the service's");
    }
  }
  if (const auto answer = json_object_of(response.body)) {
    const std::string code = json_text(*answer, "error");
    if (std::ranges::find(known_errors, code) != known_errors.end()) result.error->message += ": " + code;
  }
  result.retry_after = retry_after_of(response, now);
  return result;
}

}  // namespace

std::set<std::string, std::less<>> words_of_scope(std::string_view text) {
  std::set<std::string, std::less<>> words;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    if (end > 0) words.emplace(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

// RFC 6750 section 2.1; anything else could end the header's line.
bool is_bearer_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) { return c > 0x20 && c < 0x7F; });
}

AttemptResult broken_token(const HttpClientResponse& response, ErrorKind kind, const std::string& words) {
  DeliveryError error = answer_error(response, kind, words);
  error.remote_text.clear();  // a token's answer may hold a token
  return broken(std::move(error));
}

AttemptResult token_failure(const TransferError& failure) {
  DeliveryError error;
  error.kind = error_kind_of(failure.failure);
  error.message = failure.message;
  return broken(std::move(error));
}

Result<OAuthToken, AttemptResult> read_token_answer(const HttpClientResponse& response, const Clock& clock) {
  if (response.status != 200) return Failure{refusal(response, clock.wall_now())};
  const auto answer = is_web_page(response) ? std::nullopt : json_object_of(response.body);
  const auto no_token = [&](const char* words) {
    return Failure{broken_token(response, ErrorKind::unexpected_answer, words)};
  };
  if (!answer) return no_token("this isn't the answer of a service that gives out tokens");
  const std::string token = json_text(*answer, "access_token");
  if (!is_bearer_token(token) || !equal_ignoring_case(json_text(*answer, "token_type"), "bearer"))
    return no_token("the answer holds no bearer token");
  seconds life = usual_token_life;
  if (const std::string expires = json_text(*answer, "expires_in"); !expires.empty() && expires.size() <= 9)
    life = std::clamp(seconds(std::atoi(expires.c_str())), seconds(0), longest_token_life);
  return OAuthToken{Secret(token), json_text(*answer, "scope"), clock.monotonic_now() + life * 4 / 5};
}

}  // namespace relay
