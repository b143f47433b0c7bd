#include <algorithm>
#include <array>
#include <cstdint>
#include <set>

#include "base/http_text.hpp"
#include "settings/section_readers.hpp"
#include "settings/units.hpp"
#include "settings/web_url.hpp"
#include "submission/media_type.hpp"

namespace relay {
namespace {

// RFC 9110 section 5.6.2.
bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool has_controls(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7F; });
}

void read_url_template(const Section& section, HttpSettings& http) {
  const auto written = section.text("url");
  if (!written) {
    if (!section.has("url")) section.error("url is missing: where submissions are sent to");
    return;
  }
  const std::string_view address = std::string_view(written->value).substr(0, written->value.find('?'));
  const auto checked = parse_web_url(address);
  auto url = NameTemplate::parse(written->value);
  if (!checked) return section.error("url", checked.error().message);
  if (!url) return section.error("url", url.error().message);
  const auto unfit = [](char c) { return c <= ' ' || c == '#' || c == '@' || c == '"' || c == '<' || c == '>'; };
  if (std::ranges::any_of(written->value, unfit)) return section.error("url", "holds a character that no URL has");
  if (is_readable_on_the_way(*checked))
    section.warning("url",
                    "goes over http:// to another machine: whoever is on the way can read payloads; use https://");
  http.url = std::move(*url);
  http.url_before_fields = http.url.pieces().front().text;
}

void read_header(const Section& section, const std::string& name, const YAML::Node& value, Place place,
                 HttpSettings& http) {
  const std::string path = section.name("headers") + "." + name;
  const auto problem = [&](Place at, const std::string& words) {
    section.reading().problems.error(at, path + ": " + words);
  };
  static constexpr std::array<std::string_view, 6> ours = {"content-length", "transfer-encoding",  "connection", "host",
                                                           "expect",         "proxy-authorization"};
  if (std::ranges::find(ours, to_lower_case(name)) != ours.end()) return problem(place, "is the relay's own");
  const auto written = read_text(section.reading(), value, path, place);
  if (!written) return;
  if (has_controls(written->value)) return problem(written->place, "holds a line break or another control character");
  if (const auto made = NameTemplate::parse(written->value); !made)
    return problem(written->place, made.error().message);
  http.headers.push_back({name, SecretText(written->unresolved, Secret(written->value))});
}

void read_headers(const Section& section, HttpSettings& http) {
  if (!section.has("headers")) return;
  if (!section.node("headers").IsMap()) return section.error("headers", "must be a section of names with their values");
  std::set<std::string> seen;
  for (const auto& entry : section.node("headers")) {
    const Place place = section.reading().document.place_of(entry.first.Mark());
    const std::string name = entry.first.IsScalar() ? entry.first.Scalar() : "";
    if (!is_token(name)) {
      section.reading().problems.error(place, section.name("headers") + ": that can't be a header's name");
    } else if (!seen.insert(to_lower_case(name)).second) {
      section.reading().problems.error(place, section.name("headers") + "." + name + " stands here a second time");
    } else {
      read_header(section, name, entry.second, place, http);
    }
  }
}

void read_secret(const Section& section, std::string_view key, SecretText& secret) {
  section.read(key, secret);
  if (!section.has(key)) section.error(std::string(key) + " is missing");
  if (has_controls(secret.value().reveal())) section.error(key, "holds control characters");
}

std::string read_needed(const Section& section, std::string_view key) {
  const auto written = section.text(key);
  if (!section.has(key)) section.error(std::string(key) + " is missing");
  if (!written) return {};
  if (has_controls(written->value)) section.error(key, "holds control characters");
  return written->value;
}

HttpBearerSettings read_bearer(const Section& section) {
  HttpBearerSettings bearer;
  read_secret(section, "token", bearer.token);
  return bearer;
}

HttpBasicSettings read_basic(const Section& section) {
  HttpBasicSettings basic;
  basic.user = read_needed(section, "user");
  // RFC 7617 section 2: the first colon ends the user.
  if (basic.user.find(':') != std::string::npos) section.error("user", "can't hold a colon");
  read_secret(section, "password", basic.password);
  return basic;
}

HttpOAuthSettings read_oauth(const Section& section) {
  HttpOAuthSettings oauth;
  read_web_url(section, "token_url", oauth.token_url);
  if (!section.has("token_url")) section.error("token_url is missing: where tokens are asked for");
  oauth.client_id = read_needed(section, "client_id");
  read_secret(section, "client_secret", oauth.client_secret);
  if (section.has("scope")) oauth.scope = read_needed(section, "scope");
  return oauth;
}

void read_auth(const Section& destination, HttpSettings& http) {
  if (!destination.has("auth")) return;
  const Section section = destination.section("auth", keys::http_auth());
  enum class Type { none, bearer, basic, oauth } type = Type::none;
  section.read_one_of<Type>("type", type, {{"bearer", Type::bearer}, {"basic", Type::basic}, {"oauth", Type::oauth}});
  if (!section.has("type")) section.error("type is missing: bearer, basic or oauth");
  if (type == Type::bearer) http.auth = read_bearer(section);
  if (type == Type::basic) http.auth = read_basic(section);
  if (type == Type::oauth) http.auth = read_oauth(section);
  struct Belongs {
    const char* key;
    Type type;
    const char* name;
  };
  for (const Belongs& each : {Belongs{"token", Type::bearer, "bearer"}, Belongs{"user", Type::basic, "basic"},
                              Belongs{"password", Type::basic, "basic"}, Belongs{"token_url", Type::oauth, "oauth"},
                              Belongs{"client_id", Type::oauth, "oauth"},
                              Belongs{"client_secret", Type::oauth, "oauth"}, Belongs{"scope", Type::oauth, "oauth"}}) {
    if (type != Type::none && type != each.type && section.has(each.key))
      section.error(each.key, std::string("belongs to type: ") + each.name);
  }
  const auto signs_in = [](const HttpHeaderSettings& header) {
    return equal_ignoring_case(header.name, "authorization");
  };
  if (std::ranges::any_of(http.headers, signs_in))
    destination.error("headers", "Authorization comes from auth already; leave one of both out");
}

// Each is one that `fits`, which `words` says.
void read_statuses(const Section& section, bool (*fits)(std::uint64_t status), const char* words,
                   std::vector<unsigned>& target) {
  const auto written = section.texts("status");
  if (!written) return;
  target.clear();
  for (const Text& text : *written) {
    const auto number = parse_whole_number(text.value);
    if (number && fits(*number)) {
      target.push_back(static_cast<unsigned>(*number));
    } else {
      section.reading().problems.error(text.place, section.name("status") + ": " + text.quoted() + words);
    }
  }
}

void read_rules(const Section& destination, HttpSettings& http) {
  const Section accept = destination.section("accept", keys::http_accept());
  // A 1xx is no answer, and a redirect says where something else is.
  read_statuses(
      accept, [](std::uint64_t status) { return status / 100 == 2 || status / 100 == 4 || status / 100 == 5; },
      " isn't a status from 200 to 299 or 400 to 599", http.accept_status);
  if (http.accept_status.empty()) accept.error("status", "names none, so nothing would ever be taken");
  if (const auto type = read_media_type(accept, "content_type"); !type.empty())
    http.accept_content_type = parse_media_type(type)->type;
  if (const auto part = accept.text("body_contains")) http.accept_body_contains = part->value;
  const Section refuse = destination.section("refuse", keys::http_refuse());
  read_statuses(
      refuse, [](std::uint64_t status) { return status / 100 == 4 || status / 100 == 5; },
      " isn't a status from 400 to 599", http.refuse_status);
  const bool both = std::ranges::any_of(http.refuse_status, [&](unsigned status) {
    return std::ranges::find(http.accept_status, status) != http.accept_status.end();
  });
  if (both && refuse.has("status")) refuse.error("status", "names what accept.status names, too");
}

}  // namespace

ClientCertificateSettings read_client_certificate(const Section& section) {
  if (!section.has("certificate") && !section.has("key")) return {};
  const TlsFiles files = read_tls_files(section);
  return {files.certificate, files.key};
}

HttpSettings read_http(const Section& section) {
  HttpSettings http;
  read_url_template(section, http);
  section.read_one_of<std::string>("method", http.method, {{"POST", "POST"}, {"PUT", "PUT"}, {"PATCH", "PATCH"}});
  read_headers(section, http);
  read_auth(section, http);
  if (section.has("client_certificate")) {
    const Section shown = section.section("client_certificate", keys::client_certificate());
    http.client_certificate = read_client_certificate(shown);
    if (!shown.has("certificate") && !shown.has("key")) shown.error("needs certificate and key");
  }
  read_rules(section, http);
  return http;
}

}  // namespace relay
