#include <algorithm>

#include "base/file.hpp"
#include "settings/section_readers.hpp"
#include "settings/web_url.hpp"

namespace relay {
namespace {

constexpr std::string_view pem_begin = "-----BEGIN";

bool is_no_proxy_entry(std::string_view text) {
  return std::ranges::none_of(text, [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == ',' || c == '"' || c == '@' || c == 0x7F;
  });
}

}  // namespace

// A path that can be read now, or PEM text; what is in it is looked at, so that a wrong file is told here and not as a
// failed handshake at night.
void read_ca_file(const Section& section, std::string& target) {
  const auto written = section.text("ca_file");
  if (!written) return;
  std::string certificates = written->value;
  if (!certificates.starts_with(pem_begin)) {
    if (!written->value.starts_with('/')) {
      section.error("ca_file", "must be a full path, beginning with '/', or PEM text");
      return;
    }
    auto content = read_file(written->value);
    if (!content) {
      section.error("ca_file", written->shown ? content.error().message
                                              : "the file can't be read: " + error_text(content.error().error_number));
      return;
    }
    certificates = std::move(*content);
  }
  if (certificates.find("-----BEGIN CERTIFICATE-----") == std::string::npos &&
      certificates.find("-----BEGIN TRUSTED CERTIFICATE-----") == std::string::npos) {
    section.error("ca_file", "holds no certificate in PEM (-----BEGIN CERTIFICATE-----)");
    return;
  }
  target = written->value;
}

TransportSettings read_transport(const Section& section) {
  TransportSettings transport;
  read_ca_file(section, transport.ca_file);
  if (const auto proxy = section.text("proxy")) {
    auto url = parse_web_url(proxy->value);
    if (url) {
      transport.proxy = std::move(*url);
    } else {
      section.error("proxy", url.error().message + "; write http://HOST:PORT, and a user in proxy_credentials");
    }
  }
  section.read("proxy_credentials", transport.proxy_credentials);
  if (!transport.proxy_credentials.empty() &&
      transport.proxy_credentials.value().reveal().find(':') == std::string_view::npos) {
    section.error("proxy_credentials", "must be user:password");
  }
  for (const auto& host : section.texts("no_proxy").value_or(std::vector<Text>())) {
    if (is_no_proxy_entry(host.value)) {
      transport.no_proxy.push_back(host.value);
    } else {
      section.reading().problems.error(host.place, section.name("no_proxy") + ": " + host.quoted() +
                                                       " isn't a host name, .suffix, address or network");
    }
  }
  for (const char* key : {"proxy_credentials", "no_proxy"}) {
    if (section.has(key) && !section.has("proxy")) section.error(key, "needs proxy beside it");
  }
  return transport;
}

}  // namespace relay
