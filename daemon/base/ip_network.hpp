// IpNetwork: a range of IP addresses, as `allow_from` lists them: 10.1.2.0/24, 2001:db8::/32, or one address.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace relay {

class IpNetwork {
 public:
  // Nothing for anything else, also where bits are set beyond the prefix (10.1.2.3/24): that is a slip of somebody who
  // meant either the network or the host.
  static std::optional<IpNetwork> parse(std::string_view text);

  // `address`: numeric, with or without an IPv6 zone ("fe80::1%eth0"). An IPv4 address in IPv6 spelling
  // (::ffff:10.1.2.3) is that IPv4 address.
  bool contains(std::string_view address) const;
  bool operator==(const IpNetwork&) const = default;

 private:
  bool v6_ = false;
  std::array<std::uint8_t, 16> bytes_{};  // IPv4: the first four
  unsigned prefix_ = 0;
};

// Any of them does.
bool contains(const std::vector<IpNetwork>& networks, std::string_view address);

}  // namespace relay
