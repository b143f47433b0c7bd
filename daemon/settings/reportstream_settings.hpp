// Destination `reportstream` as it is configured (contract, "Destination keys by type").
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "base/json_web_key.hpp"
#include "settings/secret_text.hpp"

namespace relay {

// A token for a signed assertion (RFC 7523 section 2.2).
struct PrivateKeyJwtSettings {
  SecretText key;                           // PEM or JWK
  std::string key_id;                       // empty: the JWK's own, else the key's thumbprint
  std::string issuer;                       // empty: the org of each submission's client
  std::string subject;                      // empty: the issuer
  std::string audience;                     // never empty
  std::string token_url;                    // never empty
  std::optional<JwsAlgorithm> algorithm{};  // nothing: the key's usual one
  std::string scope;                        // empty: <org of the issuer>.*.report
};

// An Azure function's key (x-functions-key).
struct FunctionKeySettings {
  SecretText key;
};

struct ReportStreamSettings {
  std::string url;     // without trailing slash
  std::string client;  // empty: the submission's
  std::variant<PrivateKeyJwtSettings, FunctionKeySettings> auth;
  std::string content_type;  // empty: the submission's media type alone
  bool follow_up = true;
};

// What stands before the first dot: lab of lab.default.
std::string_view organization_of(std::string_view client);

}  // namespace relay
