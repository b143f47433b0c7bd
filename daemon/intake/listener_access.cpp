#include "intake/listener_access.hpp"

#include <algorithm>
#include <utility>

#include "base/http_text.hpp"

namespace relay {
namespace {

bool matches(const TlsClientRule& rule, const TlsPeerCertificate& certificate) {
  if (rule.subject_cn && *rule.subject_cn != certificate.subject_cn) return false;
  if (!rule.san_dns) return true;
  return std::ranges::any_of(certificate.san_dns,
                             [&](const std::string& name) { return equal_ignoring_case(name, *rule.san_dns); });
}

Failure<RequestProblem> not_allowed(std::string detail) {
  return {RequestProblem{ProblemName::client_not_allowed, std::move(detail)}};
}

Failure<RequestProblem> unauthenticated(std::string detail) {
  RequestProblem problem{ProblemName::unauthenticated, std::move(detail)};
  problem.fields.emplace_back("WWW-Authenticate", "Bearer");
  return {std::move(problem)};
}

// What was given as a token; an empty one where there is none, nothing where there is more than one.
std::optional<std::string_view> given_token(const HttpRequestHead& head, bool function_key_counts) {
  const auto authorizations = head.all("Authorization");
  if (authorizations.size() > 1) return std::nullopt;
  if (!authorizations.empty()) return bearer_token_in(authorizations.front()).value_or("");
  if (!function_key_counts) return "";
  const auto keys = head.all("x-functions-key");
  if (keys.size() > 1) return std::nullopt;
  return keys.empty() ? "" : trimmed(keys.front());
}

}  // namespace

std::optional<std::string> client_of_certificate(const TlsListenerSettings& tls,
                                                 const TlsPeerCertificate& certificate) {
  for (const TlsClientRule& rule : tls.clients) {
    if (matches(rule, certificate)) return rule.client;
  }
  return std::nullopt;
}

ListenerAccess::ListenerAccess(const HttpListenerSettings& listener, std::shared_ptr<AccessTokens> issued)
    : allow_from_(listener.allow_from),
      tls_(listener.tls),
      own_client_(listener.client),
      asks_for_tokens_(listener.asks_for_tokens()),
      tokens_(listener.tokens),
      issued_(std::move(issued)) {}

std::optional<std::string> ListenerAccess::client_of_token(std::string_view token) const {
  if (token.empty()) return std::nullopt;
  if (const BearerToken* known = tokens_.find(token)) return known->name;
  return issued_->client_of(token);
}

Result<Caller, RequestProblem> ListenerAccess::check_connection(const HttpPeer& peer) const {
  if (allow_from_ && !peer.unix_socket && !contains(*allow_from_, peer.address)) {
    return not_allowed("`allow_from` doesn't name the address that this request comes from.");
  }
  Caller caller;
  if (!tls_ || !tls_->asks_for_certificates()) return caller;
  // The handshake asked for one; a connection from before that was configured has none.
  if (!peer.certificate) return unauthenticated("This listener asks for a client certificate.");
  caller.authenticated = true;
  caller.client = client_of_certificate(*tls_, *peer.certificate);
  return caller;
}

Result<Caller, RequestProblem> ListenerAccess::check(const HttpRequestHead& head, bool function_key_counts) const {
  auto caller = check_connection(head.peer);
  if (!caller) return caller;
  const bool by_certificate = caller->authenticated;
  if (asks_for_tokens_) {
    const auto token = given_token(head, function_key_counts);
    if (!token) return unauthenticated("The request has several tokens.");
    const auto client = client_of_token(*token);
    if (!client) return unauthenticated("This listener asks for a token that it knows.");
    caller->authenticated = true;
    if (!client->empty()) {
      if (caller->client && *caller->client != *client) {
        return not_allowed("Certificate and token are of different clients.");
      }
      caller->client = *client;
    }
  }
  if (by_certificate && !caller->client) {
    if (!own_client_) return not_allowed("No client is configured for this certificate.");
    caller->client = own_client_;
  }
  return caller;
}

}  // namespace relay
