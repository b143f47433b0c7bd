#include "base/listen_address.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

TEST(ListenAddress, ReadsAndWritesAddresses) {
  for (const char* text :
       {"127.0.0.1:8870", "0.0.0.0:0", "[::1]:8870", "[::]:65535", "unix:/run/edge-relay/intake.sock"}) {
    const auto address = ListenAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->text(), text);
  }
}

TEST(ListenAddress, OneAddressHasOneSpelling) {
  EXPECT_EQ(ListenAddress::parse("localhost:80"), ListenAddress::parse("127.0.0.1:80"));
  EXPECT_EQ(ListenAddress::parse("[0:0:0:0:0:0:0:1]:80"), ListenAddress::parse("[::1]:80"));
}

TEST(ListenAddress, KnowsLoopback) {
  for (const char* text : {"127.0.0.1:1", "127.9.8.7:1", "[::1]:1", "[::ffff:127.0.0.1]:1", "unix:/a"}) {
    EXPECT_TRUE(ListenAddress::parse(text)->loopback()) << text;
  }
  for (const char* text : {"0.0.0.0:1", "10.0.0.1:1", "[::]:1", "[::ffff:10.0.0.1]:1", "[fe80::1]:1"}) {
    EXPECT_FALSE(ListenAddress::parse(text)->loopback()) << text;
  }
}

TEST(ListenAddress, TakesNothingElse) {
  for (const std::string& text : {std::string(""),
                                  std::string("8870"),
                                  std::string(":8870"),
                                  std::string("127.0.0.1"),
                                  std::string("127.0.0.1:"),
                                  std::string("127.0.0.1:65536"),
                                  std::string("127.0.0.1:-1"),
                                  std::string("127.0.0.1:+1"),
                                  std::string("127.0.0.1:80x"),
                                  std::string("127.1:80"),
                                  std::string("::1:80"),
                                  std::string("[::1]"),
                                  std::string("[127.0.0.1]:80"),
                                  std::string("relay.lab.example:80"),
                                  std::string("*:80"),
                                  std::string("unix:"),
                                  std::string("unix:/"),
                                  std::string("unix:relative.sock"),
                                  "unix:/" + std::string(107, 'x'),
                                  std::string("unix:/a\0b", 9),
                                  std::string("http://127.0.0.1:80")}) {
    EXPECT_FALSE(ListenAddress::parse(text)) << text;
  }
  EXPECT_TRUE(ListenAddress::parse("unix:/" + std::string(106, 'x')));
}

}  // namespace
}  // namespace relay
