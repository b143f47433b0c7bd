#include "settings/web_url.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "base/listen_address.hpp"

namespace relay {
namespace {

struct Authority {
  std::string_view host;  // an IPv6 address in its brackets
  std::string_view port;  // empty where there is none
};

std::optional<Authority> split_authority(std::string_view text) {
  std::size_t host_end = text.find(':');
  if (text.starts_with('[')) {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos) return std::nullopt;
    host_end = bracket + 1;
  }
  host_end = std::min(host_end, text.size());
  const std::string_view rest = text.substr(host_end);
  if (!rest.empty() && rest.front() != ':') return std::nullopt;
  return Authority{text.substr(0, host_end), rest.empty() ? rest : rest.substr(1)};
}

bool is_host(std::string_view host) {
  if (host.starts_with('[')) return ListenAddress::parse(std::string(host) + ":1").has_value();
  return !host.empty() && std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_';
  });
}

bool is_port(std::string_view port) {
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  return error == std::errc() && end == port.data() + port.size() && number != 0;
}

std::string_view behind_scheme(std::string_view url) {
  return url.substr(url.find("://") + 3);
}

}  // namespace

Result<std::string> parse_web_url(std::string_view text) {
  if (!text.starts_with("http://") && !text.starts_with("https://")) return fail("must begin with https:// or http://");
  const auto unfit = [](char c) { return c <= ' ' || c == '"' || c == '<' || c == '>' || c == '\\' || c == 0x7F; };
  if (std::ranges::any_of(text, unfit)) return fail("holds a character that a URL can't have");
  if (text.find_first_of("?#") != std::string_view::npos) return fail("must have no query or fragment ('?' or '#')");
  if (text.find('@') != std::string_view::npos) return fail("must have no user or password ('@')");

  const std::string_view rest = behind_scheme(text);
  const auto authority = split_authority(rest.substr(0, rest.find('/')));
  if (!authority || !is_host(authority->host)) return fail("names no host");
  const bool has_colon = authority->host.size() < rest.substr(0, rest.find('/')).size();
  if (has_colon && !is_port(authority->port)) return fail("has a port that isn't from 1 to 65535");

  while (text.ends_with('/')) text.remove_suffix(1);
  return std::string(text);
}

bool is_readable_on_the_way(std::string_view url) {
  if (!url.starts_with("http://")) return false;
  const std::string_view rest = behind_scheme(url);
  const auto authority = split_authority(rest.substr(0, rest.find('/')));
  if (!authority) return false;
  const auto address = ListenAddress::parse(std::string(authority->host) + ":1");
  return !address || !address->loopback();
}

}  // namespace relay
