// A start that would fail for an address is told so before anything is made; nothing that lives is touched.
#include "operations/listener_check.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "operations/unix_socket.hpp"

namespace relay {
namespace {

class ListenerCheckTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = "/tmp/edge-relay-listen-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // Somebody who listens there; the port that was given.
  std::uint16_t occupy_port() {
    taken_ = FileDescriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(taken_.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(taken_.get(), 1), 0);
    EXPECT_EQ(::getsockname(taken_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    return ntohs(address.sin_port);
  }
  FileDescriptor bind_socket(const std::filesystem::path& path) {
    FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return socket;
  }

  std::filesystem::path folder_;
  FileDescriptor taken_;
};

TEST_F(ListenerCheckTest, NamesThePortThatIsInUse) {
  const std::uint16_t port = occupy_port();
  const auto complaint = complaint_about_address({"127.0.0.1", port, ""});
  ASSERT_TRUE(complaint.has_value());
  EXPECT_NE(complaint->find("127.0.0.1:" + std::to_string(port)), std::string::npos);
  EXPECT_NE(complaint->find("in use"), std::string::npos);
  EXPECT_EQ(complaint->find('\n'), std::string::npos);
  taken_.reset();
  EXPECT_FALSE(complaint_about_address({"127.0.0.1", port, ""}).has_value());
}

TEST_F(ListenerCheckTest, NamesTheAddressThatIsNotOurs) {
  EXPECT_TRUE(complaint_about_address({"192.0.2.1", 8870, ""}).has_value());
}

TEST_F(ListenerCheckTest, LeavesALiveSocketAlone) {
  const auto path = folder_ / "live.sock";
  const FileDescriptor socket = bind_socket(path);
  ASSERT_EQ(::listen(socket.get(), 1), 0);
  const auto complaint = complaint_about_address({"", 0, path.native()});
  ASSERT_TRUE(complaint.has_value());
  EXPECT_NE(complaint->find(path.native()), std::string::npos);
  EXPECT_EQ(try_unix_socket(path), 0) << "it still answers";
}

TEST_F(ListenerCheckTest, TakesAFreePathAndAStaleSocket) {
  const auto path = folder_ / "stale.sock";
  EXPECT_FALSE(complaint_about_address({"", 0, path.native()}).has_value());
  bind_socket(path).reset();
  EXPECT_EQ(try_unix_socket(path), ECONNREFUSED);
  EXPECT_FALSE(complaint_about_address({"", 0, path.native()}).has_value());
}

TEST_F(ListenerCheckTest, RefusesAPathThatCantBeASocket) {
  std::ofstream(folder_ / "file") << "mine";
  EXPECT_TRUE(complaint_about_address({"", 0, (folder_ / "file").native()}).has_value());
  EXPECT_TRUE(complaint_about_address({"", 0, (folder_ / "nowhere" / "a.sock").native()}).has_value());
  EXPECT_TRUE(complaint_about_address({"", 0, (folder_ / std::string(120, 'a')).native()}).has_value());
}

TEST_F(ListenerCheckTest, TwoListenersWithOneAddressAreNamed) {
  Settings settings;
  settings.admin.socket = folder_ / "admin.sock";
  settings.intake.http.clear();
  settings.admin.listen = ListenAddress{"127.0.0.1", 0, ""};
  EXPECT_FALSE(complaint_about_listeners(settings).has_value());
  HttpListenerSettings same;
  same.listen = ListenAddress{"", 0, (folder_ / "admin.sock").native()};
  settings.intake.http.push_back(same);
  ASSERT_TRUE(complaint_about_listeners(settings).has_value());
  EXPECT_NE(complaint_about_listeners(settings)->find("same address"), std::string::npos);
}

}  // namespace
}  // namespace relay
