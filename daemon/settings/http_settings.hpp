// Destination `http` as it is configured (contract, "Destination keys by type").
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "settings/name_template.hpp"
#include "settings/secret_text.hpp"

namespace relay {

struct HttpBearerSettings {
  SecretText token;
};
struct HttpBasicSettings {
  std::string user;
  SecretText password;
};
// OAuth 2.0 client credentials (RFC 6749 section 4.4).
struct HttpOAuthSettings {
  std::string token_url;
  std::string client_id;
  SecretText client_secret;
  std::string scope;  // empty: none is asked for
};
// Shown to a server that asks for one: a path or PEM text, each; empty: none.
struct ClientCertificateSettings {
  std::string certificate;
  std::string key;
};

// A header whose value is a template, in which a secret may stand.
struct HttpHeaderSettings {
  std::string name;
  SecretText value;  // a NameTemplate
};

struct HttpSettings {
  NameTemplate url;
  std::string url_before_fields;  // as far as it is the same for every submission
  std::string method = "POST";    // POST, PUT or PATCH
  std::vector<HttpHeaderSettings> headers;
  std::variant<std::monostate, HttpBearerSettings, HttpBasicSettings, HttpOAuthSettings> auth;
  ClientCertificateSettings client_certificate;
  // What an answer has to be for the submission to be taken.
  std::vector<unsigned> accept_status = {200, 201, 202, 204};
  std::string accept_content_type;   // media type alone, lower case; empty: any but HTML
  std::string accept_body_contains;  // empty: anything
  // Answers that say that this payload won't ever do.
  std::vector<unsigned> refuse_status = {400, 413, 415, 422};
};

}  // namespace relay
