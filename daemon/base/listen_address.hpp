// Where a listener listens: an IP address and port, or a Unix socket path ("unix:/run/edge-relay/intake.sock").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace relay {

struct ListenAddress {
  std::string host;         // numeric IPv4 or IPv6 without brackets; empty for a Unix socket
  std::uint16_t port = 0;   // 0: any free port (tests)
  std::string socket_path;  // Unix socket, else empty

  bool unix_socket() const { return !socket_path.empty(); }
  bool loopback() const;     // 127.0.0.0/8, ::1, or a Unix socket
  std::string text() const;  // as configured: 127.0.0.1:8870, [::1]:8870, unix:/…
  // Numeric addresses only, so that where a door opens never depends on DNS; "localhost:PORT" is 127.0.0.1.
  static std::optional<ListenAddress> parse(std::string_view text);
  bool operator==(const ListenAddress&) const = default;
};

}  // namespace relay
