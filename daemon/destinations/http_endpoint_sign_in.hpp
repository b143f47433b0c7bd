// How destination `http` signs in: the headers that stand in its configuration, and a token that is asked for where it
// says oauth (RFC 6749 section 4.4; the client shows itself by Basic, section 2.3.1). A token is kept and renewed when
// four fifths of its time are over.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/http_client.hpp"
#include "base/result.hpp"
#include "destinations/oauth_token.hpp"
#include "settings/http_settings.hpp"
#include "submission/outcome.hpp"
#include "submission/submission.hpp"

namespace relay {

class HttpEndpointSignIn {
 public:
  HttpEndpointSignIn(const HttpSettings& settings, const Clock& clock) : settings_(settings), clock_(clock) {}

  bool uses_tokens() const { return std::holds_alternative<HttpOAuthSettings>(settings_.auth); }
  // `any`: also a token that is about to end; for what has just come and may be short-lived.
  enum class Age { fresh, any };
  // False: a token has to be asked for first.
  bool ready(Age age) const;
  // The configuration's headers for one submission, and what signs in. Only where ready().
  std::vector<std::pair<std::string, std::string>> headers(const Submission& submission) const;
  // Authorization alone; nothing where the server asks for none. Only where ready().
  std::optional<std::pair<std::string, std::string>> authorization() const;
  // Grows with every token, and with secrets read again.
  unsigned generation() const { return generation_; }
  void drop_token() { token_.reset(); }

  HttpClientRequest token_request(std::chrono::milliseconds timeout) const;
  // Nothing: the token is there now.
  std::optional<AttemptResult> take_token(const TransferResult& answer);

  // Reads ${file:} and other references again. True where something changed. On the caller's thread.
  Result<bool> refresh();

 private:
  HttpSettings settings_;
  const Clock& clock_;
  std::optional<OAuthToken> token_{};
  unsigned generation_ = 1;
};

}  // namespace relay
