// Signing in to ReportStream: what a request carries to be let in, and how a token is come by.
//
// private_key_jwt: POST <token_url>, form-encoded (RFC 7523 section 2.2; RFC 6749 section 4.4). A signed assertion is
// used once: each request has a new `jti`. A token is kept for each issuer and renewed when four fifths of its time are
// over. A granted scope that is absent or another one than asked for is an error: every submission would be refused.
// What the token's server answers: destinations/oauth_token.hpp.
// function_key: the header x-functions-key.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/http_client.hpp"
#include "base/json_web_key.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "destinations/oauth_token.hpp"
#include "settings/reportstream_settings.hpp"
#include "submission/outcome.hpp"

namespace relay {

class ReportStreamSignIn {
 public:
  // Throws std::invalid_argument for a key that can't be read (load_settings lets none through).
  ReportStreamSignIn(const ReportStreamSettings& settings, const Clock& clock);

  bool uses_tokens() const { return jwt_.has_value(); }
  // Whose token a client's submission is sent with.
  std::string issuer_of(std::string_view client) const;

  // `any`: also a token that is about to end; for what has just come and may be short-lived.
  enum class Age { fresh, any };
  // Name and value of the header; nothing where a token has to be asked for first.
  std::optional<std::pair<std::string, Secret>> header(const std::string& issuer, Age age) const;
  // Grows with every token of that issuer, and with every key read again.
  unsigned generation(const std::string& issuer) const;
  // That token isn't taken.
  void drop_token(const std::string& issuer) { tokens_.erase(issuer); }

  HttpClientRequest token_request(const std::string& issuer, std::chrono::milliseconds timeout) const;
  // Nothing: the token is there now.
  std::optional<AttemptResult> take_token(const std::string& issuer, const HttpClientResponse& response);

  // Reads ${file:} and other references again. True where the key changed. On the caller's thread.
  Result<bool> refresh();

 private:
  std::string scope_of(const std::string& issuer) const;
  std::string assertion(const std::string& issuer) const;

  std::optional<PrivateKeyJwtSettings> jwt_;
  std::optional<FunctionKeySettings> function_key_;
  std::optional<JsonWebKey> key_;
  const Clock& clock_;
  std::map<std::string, OAuthToken> tokens_;
  std::map<std::string, unsigned> tokens_taken_;
  unsigned keys_read_ = 1;
};

}  // namespace relay
