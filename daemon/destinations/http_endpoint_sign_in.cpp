#include "destinations/http_endpoint_sign_in.hpp"

#include <algorithm>

#include "base/digest.hpp"
#include "base/http_text.hpp"
#include "destinations/template_text.hpp"

namespace relay {
namespace {

// RFC 7617 section 2.
std::string basic(std::string_view user, std::string_view password) {
  return "Basic " + base64_encode(std::string(user) + ":" + std::string(password));
}

bool fits_a_header(std::string_view text) {
  return std::ranges::none_of(text, [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7F; });
}

}  // namespace

bool HttpEndpointSignIn::ready(Age age) const {
  if (!uses_tokens()) return true;
  return token_ && (age == Age::any || clock_.monotonic_now() < token_->renew_at);
}

std::optional<std::pair<std::string, std::string>> HttpEndpointSignIn::authorization() const {
  const auto with = [](std::string value) { return std::pair{std::string("Authorization"), std::move(value)}; };
  if (token_) return with("Bearer " + std::string(token_->value.reveal()));
  if (const auto* bearer = std::get_if<HttpBearerSettings>(&settings_.auth))
    return with("Bearer " + std::string(bearer->token.value().reveal()));
  if (const auto* password = std::get_if<HttpBasicSettings>(&settings_.auth))
    return with(basic(password->user, password->password.value().reveal()));
  return std::nullopt;
}

std::vector<std::pair<std::string, std::string>> HttpEndpointSignIn::headers(const Submission& submission) const {
  std::vector<std::pair<std::string, std::string>> made;
  for (const HttpHeaderSettings& header : settings_.headers) {
    const auto value = NameTemplate::parse(header.value.value().reveal());
    made.emplace_back(header.name, value ? fill_in(*value, submission) : std::string());
  }
  if (auto header = authorization()) made.push_back(std::move(*header));
  return made;
}

HttpClientRequest HttpEndpointSignIn::token_request(std::chrono::milliseconds timeout) const {
  const auto& oauth = std::get<HttpOAuthSettings>(settings_.auth);
  HttpClientRequest request;
  request.method = "POST";
  request.url = oauth.token_url;
  request.timeout = timeout;
  // Both are form-encoded first (RFC 6749 section 2.3.1), so that a colon in the id ends nothing.
  request.headers = {
      {"Authorization", basic(form_encoded(oauth.client_id), form_encoded(oauth.client_secret.value().reveal()))},
      {"Content-Type", "application/x-www-form-urlencoded"},
      {"Accept", "application/json"}};
  std::string form = "grant_type=client_credentials";
  if (!oauth.scope.empty()) form += "&scope=" + form_encoded(oauth.scope);
  request.body = std::move(form);
  return request;
}

std::optional<AttemptResult> HttpEndpointSignIn::take_token(const TransferResult& answer) {
  const auto* response = std::get_if<HttpClientResponse>(&answer.result);
  if (response == nullptr) return token_failure(std::get<TransferError>(answer.result));
  auto token = read_token_answer(*response, clock_);
  if (!token) return std::move(token).error();
  // A scope that isn't named was granted as asked for (RFC 6749 section 5.1).
  const auto granted = words_of_scope(token->scope);
  const auto asked = words_of_scope(std::get<HttpOAuthSettings>(settings_.auth).scope);
  if (!granted.empty() && !std::ranges::includes(granted, asked))
    return broken_token(*response, ErrorKind::sign_in, "less was granted than auth.scope asks for");
  token_ = std::move(*token);
  ++generation_;
  return std::nullopt;
}

Result<bool> HttpEndpointSignIn::refresh() {
  HttpSettings read = settings_;
  std::vector<SecretText*> secrets;
  if (auto* bearer = std::get_if<HttpBearerSettings>(&read.auth)) secrets.push_back(&bearer->token);
  if (auto* password = std::get_if<HttpBasicSettings>(&read.auth)) secrets.push_back(&password->password);
  if (auto* oauth = std::get_if<HttpOAuthSettings>(&read.auth)) secrets.push_back(&oauth->client_secret);
  for (HttpHeaderSettings& header : read.headers) secrets.push_back(&header.value);
  bool changed = false;
  for (SecretText* secret : secrets) {
    const auto refreshed = secret->refresh();
    if (!refreshed) return Failure{refreshed.error()};
    if (!fits_a_header(secret->value().reveal())) return fail("it holds a line break or another control character");
    changed = changed || *refreshed;
  }
  for (const HttpHeaderSettings& header : read.headers)
    if (const auto value = NameTemplate::parse(header.value.value().reveal()); !value)
      return fail("headers." + header.name + " " + value.error().message);
  if (!changed) return false;
  settings_ = std::move(read);
  token_.reset();
  ++generation_;
  return true;
}

}  // namespace relay
