#include "intake/http_gate.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "base/http_text.hpp"

namespace relay {
namespace {

struct HostAndPort {
  std::string host;  // lower case; an IPv6 address in its shortest spelling, in brackets
  std::string port;  // empty: none
};

// One spelling for each IPv6 address: [0:0::1] is [::1].
std::string canonical_host(std::string_view host) {
  if (host.size() < 2 || host.front() != '[' || host.back() != ']') return to_lower_case(host);
  std::array<unsigned char, sizeof(in6_addr)> address{};
  std::array<char, INET6_ADDRSTRLEN> text{};
  const std::string inside(host.substr(1, host.size() - 2));
  if (::inet_pton(AF_INET6, inside.c_str(), address.data()) != 1) return to_lower_case(host);
  ::inet_ntop(AF_INET6, address.data(), text.data(), static_cast<socklen_t>(text.size()));
  return '[' + std::string(text.data()) + ']';
}

HostAndPort split_host(std::string_view authority) {
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.rfind(':');
  const bool has_port = colon != std::string_view::npos && (bracket == std::string_view::npos || bracket < colon);
  if (!has_port) return {canonical_host(authority), ""};
  return {canonical_host(authority.substr(0, colon)), std::string(authority.substr(colon + 1))};
}

// Where a listener has every address of the machine, each of them is its own. A numeric Host can't be had by rebinding
// a foreign name, so any numeric one will do.
bool is_numeric(std::string_view host) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    return ::inet_pton(AF_INET6, std::string(host.substr(1, host.size() - 2)).c_str(), address.data()) == 1;
  }
  return ::inet_pton(AF_INET, std::string(host).c_str(), address.data()) == 1;
}

bool is_own_name(const ListenAddress& listen, std::string_view host) {
  if (listen.unix_socket()) return false;
  if (listen.host == "0.0.0.0" || listen.host == "::") return host == "localhost" || is_numeric(host);
  const bool six = listen.host.find(':') != std::string::npos;
  if (host == canonical_host(six ? '[' + listen.host + ']' : listen.host)) return true;
  return listen.loopback() && (host == "localhost" || host == "127.0.0.1" || host == "[::1]");
}

// `allowed_hosts` names a host, or a host with the port that a proxy in front of us has.
bool is_allowed(const std::vector<std::string>& allowed_hosts, const HostAndPort& given, std::string_view own_port) {
  return std::any_of(allowed_hosts.begin(), allowed_hosts.end(), [&](const std::string& entry) {
    const HostAndPort allowed = split_host(entry);
    if (allowed.host != given.host) return false;
    return given.port.empty() || given.port == own_port || given.port == allowed.port;
  });
}

std::optional<RequestProblem> check_origin(const ListenAddress& listen, const std::vector<std::string>& allowed_hosts,
                                           std::string_view origin, std::string_view own_port) {
  const std::size_t scheme_end = origin.find("://");
  const std::string_view scheme = origin.substr(0, scheme_end);
  if (scheme_end != std::string_view::npos && (scheme == "http" || scheme == "https")) {
    HostAndPort from = split_host(origin.substr(scheme_end + 3));
    // A page served behind a proxy's name, on the scheme's own port.
    if (is_allowed(allowed_hosts, from, own_port)) return std::nullopt;
    if (from.port.empty()) from.port = scheme == "http" ? "80" : "443";
    if (is_own_name(listen, from.host) && from.port == own_port) return std::nullopt;
  }
  return RequestProblem{ProblemName::foreign_origin, "A web page of another origin may not send requests here."};
}

}  // namespace

HttpGate::HttpGate(const ListenAddress& listen, std::vector<std::string> allowed_hosts)
    : listen_(listen), allowed_hosts_(std::move(allowed_hosts)) {}

std::optional<RequestProblem> HttpGate::check(const HttpRequestHead& head, std::uint16_t bound_port) const {
  const std::string own_port = listen_.unix_socket() ? std::string() : std::to_string(bound_port);
  if (!listen_.unix_socket()) {
    const HostAndPort host = split_host(head.field("Host").value_or(""));
    const bool own = is_own_name(listen_, host.host) && (host.port.empty() || host.port == own_port);
    if (!own && !is_allowed(allowed_hosts_, host, own_port)) {
      return RequestProblem{ProblemName::foreign_host,
                            "The Host field is missing or names another server; `allowed_hosts` lists further names."};
    }
  }
  for (const std::string_view origin : head.all("Origin")) {
    if (auto problem = check_origin(listen_, allowed_hosts_, origin, own_port)) return problem;
  }
  for (const std::string_view site : head.all("Sec-Fetch-Site")) {
    if (equal_ignoring_case(trimmed(site), "cross-site")) {
      return RequestProblem{ProblemName::foreign_origin, "A web page of another site may not send requests here."};
    }
  }
  return std::nullopt;
}

}  // namespace relay
