#include <algorithm>

#include "settings/section_readers.hpp"
#include "submission/client_name.hpp"

namespace relay {
namespace {

// What ends up in a token or a header as it is.
void read_word(const Section& section, std::string_view key, std::string& target) {
  const auto written = section.text(key);
  if (!written) return;
  if (written->value.empty() ||
      std::ranges::any_of(written->value, [](unsigned char c) { return c < 0x20 || c == 0x7F; })) {
    section.error(key, "must not be empty or hold control characters");
  } else {
    target = written->value;
  }
}

// The bare host of a URL that has passed parse_web_url.
std::string host_of(std::string_view url) {
  if (url.empty()) return {};
  const std::string_view rest = url.substr(url.find("://") + 3);
  const std::string_view authority = rest.substr(0, rest.find('/'));
  const std::size_t behind_address = authority.starts_with('[') ? authority.find(']') : 0;
  return std::string(authority.substr(0, authority.find(':', behind_address)));
}

void check_key(const Section& section, PrivateKeyJwtSettings& jwt) {
  const auto algorithm = section.text("algorithm");
  if (algorithm) {
    jwt.algorithm = parse_jws_algorithm(algorithm->value);
    if (!jwt.algorithm) section.error("algorithm", algorithm->quoted() + " isn't RS256, RS384, ES256 or ES384");
  }
  if (jwt.key.empty()) {
    if (!section.has("key")) section.error("key is missing: the private key that signs, as PEM or JWK");
    return;
  }
  const auto key = JsonWebKey::read(jwt.key.value().reveal());
  if (!key) {
    section.error("key", key.error().message);
  } else if (jwt.algorithm && !key->signs_with(*jwt.algorithm)) {
    section.error("algorithm", algorithm->quoted() + " doesn't go with this key, whose own is " +
                                   std::string(jws_algorithm_name(key->usual_algorithm())));
  }
}

PrivateKeyJwtSettings read_private_key_jwt(const Section& section, const std::string& url) {
  PrivateKeyJwtSettings jwt;
  // PEM has lines, unlike other secrets.
  if (const auto key = section.text("key")) jwt.key = SecretText(key->unresolved, Secret(key->value));
  check_key(section, jwt);
  read_word(section, "key_id", jwt.key_id);
  read_word(section, "issuer", jwt.issuer);
  read_word(section, "subject", jwt.subject);
  read_word(section, "scope", jwt.scope);
  jwt.audience = host_of(url);
  read_word(section, "audience", jwt.audience);
  jwt.token_url = url + "/api/token";
  read_web_url(section, "token_url", jwt.token_url);
  return jwt;
}

FunctionKeySettings read_function_key(const Section& section) {
  FunctionKeySettings function_key;
  section.read("key", function_key.key);
  if (!section.has("key")) section.error("key is missing: the function's key");
  if (std::ranges::any_of(function_key.key.value().reveal(), [](unsigned char c) { return c <= 0x20 || c >= 0x7F; }))
    section.error("key", "holds characters that no function's key has");
  for (const char* key : {"key_id", "issuer", "subject", "audience", "token_url", "algorithm", "scope"}) {
    if (section.has(key)) section.error(key, "belongs to type: private_key_jwt; a function's key has none");
  }
  return function_key;
}

void read_auth(const Section& destination, ReportStreamSettings& settings) {
  if (!destination.has("auth")) {
    destination.error("auth is missing: {type: private_key_jwt, key: …} or {type: function_key, key: …}");
    return;
  }
  const Section section = destination.section("auth", keys::reportstream_auth());
  enum class Type { none, private_key_jwt, function_key } type = Type::none;
  section.read_one_of<Type>("type", type,
                            {{"private_key_jwt", Type::private_key_jwt}, {"function_key", Type::function_key}});
  if (!section.has("type")) section.error("type is missing: private_key_jwt or function_key");
  if (type == Type::private_key_jwt) settings.auth = read_private_key_jwt(section, settings.url);
  if (type == Type::function_key) settings.auth = read_function_key(section);
}

void read_client(const Section& section, ReportStreamSettings& settings) {
  const auto client = section.text("client");
  if (!client) return;
  if (!is_client_name(client->value)) {
    section.error("client", client->quoted() + " isn't a client's name, usually org.sender");
    return;
  }
  settings.client = client->value;
}

// A token of one org that sends for another one would be refused with every submission.
void check_org(const Section& section, const ReportStreamSettings& settings) {
  const auto* jwt = std::get_if<PrivateKeyJwtSettings>(&settings.auth);
  if (jwt == nullptr || jwt->issuer.empty() || settings.client.empty()) return;
  if (organization_of(jwt->issuer) != organization_of(settings.client))
    section.error("client", "is of another org than auth.issuer, so nothing would be taken");
}

}  // namespace

std::string_view organization_of(std::string_view client) {
  return client.substr(0, client.find('.'));
}

ReportStreamSettings read_reportstream(const Section& section) {
  ReportStreamSettings settings;
  if (!section.has("url")) section.error("url is missing: the base, like https://reportstream.example");
  read_web_url(section, "url", settings.url);
  read_client(section, settings);
  read_auth(section, settings);
  check_org(section, settings);
  settings.content_type = read_media_type(section, "content_type");
  section.read("follow_up", settings.follow_up);
  return settings;
}

}  // namespace relay
