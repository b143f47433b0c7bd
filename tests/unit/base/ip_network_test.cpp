#include "base/ip_network.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

bool holds(std::string_view network, std::string_view address) {
  const auto parsed = IpNetwork::parse(network);
  EXPECT_TRUE(parsed) << network;
  return parsed && parsed->contains(address);
}

TEST(IpNetwork, HoldsTheAddressesOfItsPrefix) {
  EXPECT_TRUE(holds("10.1.2.0/24", "10.1.2.0"));
  EXPECT_TRUE(holds("10.1.2.0/24", "10.1.2.255"));
  EXPECT_FALSE(holds("10.1.2.0/24", "10.1.3.0"));
  EXPECT_TRUE(holds("10.1.2.128/25", "10.1.2.200"));
  EXPECT_FALSE(holds("10.1.2.128/25", "10.1.2.100"));
  EXPECT_TRUE(holds("0.0.0.0/0", "192.0.2.1"));
  EXPECT_TRUE(holds("2001:db8::/32", "2001:db8:ffff::1"));
  EXPECT_FALSE(holds("2001:db8::/32", "2001:db9::1"));
}

TEST(IpNetwork, AnAddressWithoutAPrefixIsThatOneAlone) {
  EXPECT_TRUE(holds("10.1.2.3", "10.1.2.3"));
  EXPECT_FALSE(holds("10.1.2.3", "10.1.2.4"));
  EXPECT_TRUE(holds("::1", "::1"));
  EXPECT_TRUE(holds("fe80::1", "fe80::1%eth0"));
}

TEST(IpNetwork, TheTwoFamiliesAreApartButForMappedAddresses) {
  EXPECT_FALSE(holds("0.0.0.0/0", "::1"));
  EXPECT_FALSE(holds("::/0", "10.1.2.3"));
  EXPECT_TRUE(holds("10.1.2.0/24", "::ffff:10.1.2.3"));
}

TEST(IpNetwork, NothingElseIsOne) {
  for (const char* text : {"", "10.1.2", "10.1.2.0/", "10.1.2.0/33", "10.1.2.0/-1", "10.1.2.0/2x", "10.1.2.3/24",
                           "::1/129", "2001:db8::1/32", "lab.example", "10.1.2.0/24/8", " 10.1.2.3"}) {
    EXPECT_FALSE(IpNetwork::parse(text)) << text;
  }
  EXPECT_FALSE(holds("0.0.0.0/0", ""));
  EXPECT_FALSE(holds("0.0.0.0/0", "lab.example"));
}

TEST(IpNetwork, AListHoldsWhatAnyOfThemHolds) {
  const std::vector<IpNetwork> networks = {*IpNetwork::parse("10.1.2.0/24"), *IpNetwork::parse("::1")};
  EXPECT_TRUE(contains(networks, "::1"));
  EXPECT_TRUE(contains(networks, "10.1.2.9"));
  EXPECT_FALSE(contains(networks, "10.2.2.9"));
  EXPECT_FALSE(contains({}, "10.2.2.9"));
}

}  // namespace
}  // namespace relay
