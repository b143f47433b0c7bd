// ListenerAccess: who may come in through an HTTP listener, and as whom: by address, client certificate and token. What
// a certificate means is the same at every listener.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/http_server.hpp"
#include "base/result.hpp"
#include "intake/access_tokens.hpp"
#include "intake/problem.hpp"
#include "settings/settings.hpp"

namespace relay {

struct Caller {
  bool authenticated = false;
  std::optional<std::string> client{};  // whom the credentials name; nothing: the request says
};

// Whose certificate that is, by the first of `tls.clients` that matches.
std::optional<std::string> client_of_certificate(const TlsListenerSettings& tls, const TlsPeerCertificate& certificate);

// Unchanging; usable from any thread.
class ListenerAccess {
 public:
  ListenerAccess(const HttpListenerSettings& listener, std::shared_ptr<AccessTokens> issued);

  // By address and certificate alone: for those who come to get a token.
  Result<Caller, RequestProblem> check_connection(const HttpPeer& peer) const;
  // client_not_allowed or unauthenticated, or who it is. `function_key_counts`: a token may also stand in
  // x-functions-key, as at ReportStream.
  Result<Caller, RequestProblem> check(const HttpRequestHead& head, bool function_key_counts) const;

 private:
  // The client whose token that is (empty: nobody's), or nothing.
  std::optional<std::string> client_of_token(std::string_view token) const;

  const std::optional<std::vector<IpNetwork>> allow_from_;
  const std::optional<TlsListenerSettings> tls_;
  const std::optional<std::string> own_client_;
  const bool asks_for_tokens_;
  const BearerTokens tokens_;
  const std::shared_ptr<AccessTokens> issued_;
};

}  // namespace relay
