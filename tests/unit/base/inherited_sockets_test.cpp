// Sockets that a service manager passed on are found by what they listen on, and go on listening when a listener
// closes.
#include "base/inherited_sockets.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace relay {
namespace {

// Descriptors in a row, as they are passed on; high enough to be nobody else's.
constexpr int first = 700;

int listening_socket(std::uint16_t& port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  EXPECT_EQ(::bind(descriptor, reinterpret_cast<sockaddr*>(&address), length), 0);
  EXPECT_EQ(::listen(descriptor, 8), 0);
  EXPECT_EQ(::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length), 0);
  port = ntohs(address.sin_port);
  return descriptor;
}

int connect_to(std::uint16_t port) {
  const FileDescriptor client(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return ::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

TEST(InheritedSockets, AreFoundByWhatTheyListenOn) {
  std::uint16_t port = 0;
  const FileDescriptor made(listening_socket(port));
  const FileDescriptor no_listener(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(::dup2(no_listener.get(), first), first);
  ASSERT_EQ(::dup2(made.get(), first + 1), first + 1);

  const InheritedSockets sockets(first, 2);
  const ListenAddress address{"127.0.0.1", port, ""};
  EXPECT_EQ(sockets.addresses(), std::vector{address}) << "what doesn't listen isn't one";
  EXPECT_LT(::fcntl(first, F_GETFD), 0) << "and is closed";
  EXPECT_FALSE(sockets.find({"127.0.0.2", port, ""}));
  EXPECT_FALSE(sockets.find({"", 0, "/run/some.sock"}));
  const auto found = sockets.find(address);
  ASSERT_TRUE(found);
  EXPECT_NE(::fcntl(found->get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(found->get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(InheritedSockets, GoOnListeningWhenAListenerIsClosedAndOpenedAgain) {
  std::uint16_t port = 0;
  {
    const FileDescriptor made(listening_socket(port));
    ASSERT_EQ(::dup2(made.get(), first), first);
  }
  {
    const InheritedSockets sockets(first, 1);
    sockets.find({"127.0.0.1", port, ""})->reset();
    EXPECT_EQ(connect_to(port), 0);
    EXPECT_TRUE(sockets.find({"127.0.0.1", port, ""}));
  }
  EXPECT_EQ(connect_to(port), ECONNREFUSED) << "nobody else holds it";
}

TEST(InheritedSockets, OfAProcessThatWasPassedNoneAreNone) {
  EXPECT_TRUE(InheritedSockets::of_this_process().addresses().empty());
}

}  // namespace
}  // namespace relay
