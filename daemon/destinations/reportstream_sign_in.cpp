#include "destinations/reportstream_sign_in.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <stdexcept>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/digest.hpp"
#include "base/http_text.hpp"
#include "base/uuid.hpp"
#include "destinations/http_answer.hpp"
#include "destinations/json_answer.hpp"
#include "destinations/reportstream_answers.hpp"
#include "destinations/text_encoding.hpp"

namespace relay {
namespace {

namespace json = boost::json;
using std::chrono::seconds;

constexpr seconds assertion_lives{120};
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

std::set<std::string, std::less<>> words_of(std::string_view text) {
  std::set<std::string, std::less<>> words;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    if (end > 0) words.emplace(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

// RFC 6750 section 2.1; anything else could end the header's line.
bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) { return c > 0x20 && c < 0x7F; });
}

AttemptResult broken(DeliveryError error) {
  error.message = "token: " + error.message;
  AttemptResult result;
  result.outcome = Outcome::broken;
  result.error = std::move(error);
  return result;
}

AttemptResult broken(const HttpClientResponse& response, ErrorKind kind, const std::string& words) {
  DeliveryError error = reportstream_error(response, kind, words);
  error.remote_text.clear();  // a token's answer may hold a token
  return broken(std::move(error));
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

}  // namespace

ReportStreamSignIn::ReportStreamSignIn(const ReportStreamSettings& settings, const Clock& clock) : clock_(clock) {
  if (const auto* function_key = std::get_if<FunctionKeySettings>(&settings.auth)) {
    function_key_ = *function_key;
    return;
  }
  jwt_ = std::get<PrivateKeyJwtSettings>(settings.auth);
  auto key = JsonWebKey::read(jwt_->key.value().reveal());
  if (!key) throw std::invalid_argument("reportstream: auth.key " + key.error().message);
  key_ = std::move(*key);
}

std::string ReportStreamSignIn::issuer_of(std::string_view client) const {
  if (!jwt_) return {};
  return jwt_->issuer.empty() ? std::string(organization_of(client)) : jwt_->issuer;
}

std::optional<std::pair<std::string, Secret>> ReportStreamSignIn::header(const std::string& issuer, Age age) const {
  if (function_key_) return std::pair{std::string("x-functions-key"), function_key_->key.value()};
  const auto token = tokens_.find(issuer);
  if (token == tokens_.end() || (age == Age::fresh && clock_.monotonic_now() >= token->second.renew_at))
    return std::nullopt;
  return std::pair{std::string("Authorization"), Secret("Bearer " + std::string(token->second.value.reveal()))};
}

unsigned ReportStreamSignIn::generation(const std::string& issuer) const {
  const auto taken = tokens_taken_.find(issuer);
  return keys_read_ + (taken == tokens_taken_.end() ? 0 : taken->second);
}

std::string ReportStreamSignIn::scope_of(const std::string& issuer) const {
  return jwt_->scope.empty() ? std::string(organization_of(issuer)) + ".*.report" : jwt_->scope;
}

std::string ReportStreamSignIn::assertion(const std::string& issuer) const {
  const JwsAlgorithm algorithm = jwt_->algorithm.value_or(key_->usual_algorithm());
  const auto now = std::chrono::floor<seconds>(clock_.wall_now()).time_since_epoch();
  const json::object header = {{"alg", jws_algorithm_name(algorithm)},
                               {"kid", jwt_->key_id.empty() ? key_->key_id() : jwt_->key_id},
                               {"typ", "JWT"}};
  const json::object claims = {{"iss", issuer},         {"sub", jwt_->subject.empty() ? issuer : jwt_->subject},
                               {"aud", jwt_->audience}, {"jti", hex_encode(random_bytes(16))},
                               {"iat", now.count()},    {"exp", (now + assertion_lives).count()}};
  const std::string signed_part =
      base64url_encode(json::serialize(header)) + "." + base64url_encode(json::serialize(claims));
  return signed_part + "." + base64url_encode(key_->sign(algorithm, signed_part));
}

HttpClientRequest ReportStreamSignIn::token_request(const std::string& issuer,
                                                    std::chrono::milliseconds timeout) const {
  HttpClientRequest request;
  request.method = "POST";
  request.url = jwt_->token_url;
  request.timeout = timeout;
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}};
  request.body = "scope=" + percent_encode(scope_of(issuer)) +
                 "&grant_type=client_credentials"
                 "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
                 "&client_assertion=" +
                 percent_encode(assertion(issuer));
  return request;
}

AttemptResult ReportStreamSignIn::refusal(const HttpClientResponse& response) const {
  const auto [kind, words] = meaning_of(response.status);
  AttemptResult result = broken(response, kind, std::string(words));
  if (response.status == 400 || response.status == 401 || response.status == 403) {
    const auto difference = clock_difference(response, clock_.wall_now());
    if (difference && std::chrono::abs(*difference) > clock_tolerance) {
      result.error->kind = ErrorKind::clock;
      result.error->message += ": " + clock_words(*difference, "the service's");
    }
  }
  if (const auto answer = json_object_of(response.body)) {
    const std::string code = json_text(*answer, "error");
    if (std::ranges::find(known_errors, code) != known_errors.end()) result.error->message += ": " + code;
  }
  result.retry_after = retry_after_of(response, clock_.wall_now());
  return result;
}

std::optional<AttemptResult> ReportStreamSignIn::take_token(const std::string& issuer,
                                                            const HttpClientResponse& response) {
  if (response.status != 200) return refusal(response);
  const auto answer = is_web_page(response) ? std::nullopt : json_object_of(response.body);
  if (!answer)
    return broken(response, ErrorKind::unexpected_answer, "this isn't the answer of a service that gives out tokens");
  const std::string token = json_text(*answer, "access_token");
  const std::string type = json_text(*answer, "token_type");
  if (!is_token(token) || !equal_ignoring_case(type, "bearer"))
    return broken(response, ErrorKind::unexpected_answer, "the answer holds no bearer token");
  const std::string granted = json_text(*answer, "scope");
  if (granted.empty())
    return broken(response, ErrorKind::sign_in, "no scope was granted: check auth.scope and the sender's rights there");
  if (words_of(granted) != words_of(scope_of(issuer)))
    return broken(response, ErrorKind::sign_in,
                  "another scope was granted than " + scope_of(issuer) + ": check auth.scope");
  seconds life = usual_token_life;
  if (const std::string expires = json_text(*answer, "expires_in"); !expires.empty() && expires.size() <= 9)
    life = std::clamp(seconds(std::atoi(expires.c_str())), seconds(0), longest_token_life);
  tokens_[issuer] = Token{Secret(token), clock_.monotonic_now() + life * 4 / 5};
  ++tokens_taken_[issuer];
  return std::nullopt;
}

AttemptResult ReportStreamSignIn::token_failure(const TransferError& failure) {
  DeliveryError error;
  error.kind = error_kind_of(failure.failure);
  error.message = failure.message;
  return broken(std::move(error));
}

Result<bool> ReportStreamSignIn::refresh() {
  SecretText& secret = jwt_ ? jwt_->key : function_key_->key;
  SecretText read = secret;
  auto changed = read.refresh();
  if (!changed) return changed;
  if (!*changed) return false;
  if (jwt_) {
    auto key = JsonWebKey::read(read.value().reveal());
    if (!key) return fail("auth.key " + key.error().message);
    if (jwt_->algorithm && !key->signs_with(*jwt_->algorithm))
      return fail("auth.key doesn't go with auth.algorithm any more");
    key_ = std::move(*key);
    tokens_.clear();
  } else if (!is_token(read.value().reveal())) {
    return fail("auth.key holds characters that no function's key has");
  }
  secret = std::move(read);
  ++keys_read_;
  return true;
}

}  // namespace relay
