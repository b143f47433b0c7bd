#include "base/ip_network.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace relay {
namespace {

struct Address {
  bool v6 = false;
  std::array<std::uint8_t, 16> bytes{};
};

constexpr std::array<std::uint8_t, 12> mapped_prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::optional<Address> parse_address(std::string_view text) {
  const std::string numeric(text);
  Address address;
  if (::inet_pton(AF_INET, numeric.c_str(), address.bytes.data()) == 1) return address;
  if (::inet_pton(AF_INET6, numeric.c_str(), address.bytes.data()) != 1) return std::nullopt;
  address.v6 = true;
  if (std::equal(mapped_prefix.begin(), mapped_prefix.end(), address.bytes.begin())) {
    std::copy(address.bytes.begin() + mapped_prefix.size(), address.bytes.end(), address.bytes.begin());
    std::fill(address.bytes.begin() + 4, address.bytes.end(), std::uint8_t{0});
    address.v6 = false;
  }
  return address;
}

bool bit(const std::array<std::uint8_t, 16>& bytes, unsigned number) {
  return ((bytes.at(number / 8) >> (7 - number % 8)) & 1U) != 0;
}

}  // namespace

std::optional<IpNetwork> IpNetwork::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  const unsigned longest = address->v6 ? 128 : 32;
  IpNetwork network;
  network.v6_ = address->v6;
  network.bytes_ = address->bytes;
  network.prefix_ = longest;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const char* const end = digits.data() + digits.size();
    const auto [at, error] = std::from_chars(digits.data(), end, network.prefix_);
    if (error != std::errc() || at != end || network.prefix_ > longest) return std::nullopt;
  }
  for (unsigned number = network.prefix_; number < longest; ++number) {
    if (bit(network.bytes_, number)) return std::nullopt;
  }
  return network;
}

bool IpNetwork::contains(std::string_view address) const {
  const auto other = parse_address(address.substr(0, address.find('%')));
  if (!other || other->v6 != v6_) return false;
  for (unsigned number = 0; number < prefix_; ++number) {
    if (bit(bytes_, number) != bit(other->bytes, number)) return false;
  }
  return true;
}

bool contains(const std::vector<IpNetwork>& networks, std::string_view address) {
  return std::any_of(networks.begin(), networks.end(),
                     [&](const IpNetwork& network) { return network.contains(address); });
}

}  // namespace relay
