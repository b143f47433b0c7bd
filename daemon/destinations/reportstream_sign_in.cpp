#include "destinations/reportstream_sign_in.hpp"

#include <stdexcept>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/digest.hpp"
#include "base/uuid.hpp"
#include "destinations/text_encoding.hpp"

namespace relay {
namespace {

namespace json = boost::json;
using std::chrono::seconds;

constexpr seconds assertion_lives{120};
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

std::optional<AttemptResult> ReportStreamSignIn::take_token(const std::string& issuer,
                                                            const HttpClientResponse& response) {
  auto token = read_token_answer(response, clock_);
  if (!token) return std::move(token).error();
  if (token->scope.empty())
    return broken_token(response, ErrorKind::sign_in,
                        "no scope was granted: check auth.scope and the sender's rights there");
  if (words_of_scope(token->scope) != words_of_scope(scope_of(issuer)))
    return broken_token(response, ErrorKind::sign_in,
                        "another scope was granted than " + scope_of(issuer) + ": check auth.scope");
  tokens_[issuer] = std::move(*token);
  ++tokens_taken_[issuer];
  return std::nullopt;
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
  } else if (!is_bearer_token(read.value().reveal())) {
    return fail("auth.key holds characters that no function's key has");
  }
  secret = std::move(read);
  ++keys_read_;
  return true;
}

}  // namespace relay
