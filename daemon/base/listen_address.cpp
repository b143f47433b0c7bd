#include "base/listen_address.hpp"

#include <arpa/inet.h>
#include <sys/un.h>

#include <array>
#include <charconv>

namespace relay {
namespace {

// One spelling an address, so that two listeners on the same one are seen to be.
std::optional<std::string> numeric_host(const std::string& host, int family) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (::inet_pton(family, host.c_str(), address.data()) != 1) return std::nullopt;
  return std::string(::inet_ntop(family, address.data(), text.data(), static_cast<socklen_t>(text.size())));
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

}  // namespace

bool ListenAddress::loopback() const {
  return unix_socket() || host.starts_with("127.") || host == "::1" || host.starts_with("::ffff:127.");
}

std::string ListenAddress::text() const {
  if (unix_socket()) return "unix:" + socket_path;
  const std::string port_text = std::to_string(port);
  return host.find(':') == std::string::npos ? host + ':' + port_text : '[' + host + "]:" + port_text;
}

std::optional<ListenAddress> ListenAddress::parse(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  if (text.starts_with("unix:")) {
    const std::string_view path = text.substr(5);
    if (!path.starts_with('/') || path.size() < 2 || path.size() >= sizeof(sockaddr_un::sun_path)) return std::nullopt;
    return ListenAddress{"", 0, std::string(path)};
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) return std::nullopt;

  const std::string_view host = text.substr(0, colon);
  if (host == "localhost") return ListenAddress{"127.0.0.1", *port, ""};
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  const auto numeric = bracketed ? numeric_host(std::string(host.substr(1, host.size() - 2)), AF_INET6)
                                 : numeric_host(std::string(host), AF_INET);
  if (!numeric) return std::nullopt;
  return ListenAddress{*numeric, *port, ""};
}

}  // namespace relay
