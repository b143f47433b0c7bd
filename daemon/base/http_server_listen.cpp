#include "base/http_server_listen.hpp"

#include <arpa/inet.h>
#include <grp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "base/inherited_sockets.hpp"
#include "base/socket_group_advice.hpp"

namespace relay {
namespace {

// The kernel cuts it down to net.core.somaxconn; connections beyond max_connections wait here.
constexpr int backlog = 4096;

Failure<Error> cannot_listen(const ListenAddress& address, const std::string& why) {
  return fail("can't listen on " + address.text() + ": " + why);
}

Failure<Error> in_use(const ListenAddress& address) {
  return cannot_listen(address, "it is in use by another program; stop that one, or choose another `listen` address");
}

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

std::optional<SocketAddress> tcp_address(const ListenAddress& address) {
  SocketAddress result;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&result.storage);
  if (::inet_pton(AF_INET, address.host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(address.port);
    result.length = sizeof(sockaddr_in);
    return result;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&result.storage);
  if (::inet_pton(AF_INET6, address.host.c_str(), &v6->sin6_addr) != 1) return std::nullopt;
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(address.port);
  result.length = sizeof(sockaddr_in6);
  return result;
}

std::optional<SocketAddress> unix_address(const std::string& path) {
  SocketAddress result;
  auto* local = reinterpret_cast<sockaddr_un*>(&result.storage);
  if (path.size() >= sizeof(local->sun_path)) return std::nullopt;
  local->sun_family = AF_UNIX;
  std::memcpy(local->sun_path, path.data(), path.size());
  result.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return result;
}

FileDescriptor new_socket(int family) {
  return FileDescriptor(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

std::uint16_t bound_port(int descriptor) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return 0;
  const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage);
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage);
  return ntohs(storage.ss_family == AF_INET ? v4->sin_port : v6->sin6_port);
}

Result<ListeningSocket> listen_on_tcp(const ListenAddress& address) {
  const auto target = tcp_address(address);
  if (!target) return cannot_listen(address, "it is no numeric IP address");
  ListeningSocket socket;
  socket.descriptor = new_socket(target->storage.ss_family);
  if (!socket.descriptor.valid()) return cannot_listen(address, error_text(errno));
  const int one = 1;
  // A restart must not wait for the old connections' TIME_WAIT.
  ::setsockopt(socket.descriptor.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (target->storage.ss_family == AF_INET6) {
    ::setsockopt(socket.descriptor.get(), IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
  }
  const bool listening = ::bind(socket.descriptor.get(), target->get(), target->length) == 0 &&
                         ::listen(socket.descriptor.get(), backlog) == 0;
  if (!listening && errno == EADDRINUSE) return in_use(address);
  if (!listening && errno == EADDRNOTAVAIL) {
    return cannot_listen(address, "this machine has no such address; see `ip address`");
  }
  if (!listening && errno == EACCES) {
    return cannot_listen(address, "permission denied; ports below 1024 need CAP_NET_BIND_SERVICE");
  }
  if (!listening) return cannot_listen(address, error_text(errno));
  socket.port = bound_port(socket.descriptor.get());
  return socket;
}

// Removes a socket file on which nobody answers.
Result<void> make_way(const ListenAddress& address, const SocketAddress& target) {
  struct stat status {};
  if (::lstat(address.socket_path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return cannot_listen(address, error_text(errno));
  }
  if (!S_ISSOCK(status.st_mode)) {
    return cannot_listen(address, "a file of that name is there and is no socket; move it away");
  }
  const FileDescriptor probe = new_socket(AF_UNIX);
  if (!probe.valid()) return cannot_listen(address, error_text(errno));
  if (::connect(probe.get(), target.get(), target.length) == 0 || errno == EAGAIN) return in_use(address);
  if (errno != ECONNREFUSED && errno != ENOENT) {
    return cannot_listen(address, "can't tell whether the socket that is there is in use: " + error_text(errno));
  }
  if (::unlink(address.socket_path.c_str()) != 0 && errno != ENOENT) {
    return cannot_listen(address, "can't remove the stale socket: " + error_text(errno));
  }
  return {};
}

Result<void> give_to_group(const ListenAddress& address, const std::string& group) {
  if (group.empty()) return {};
  std::vector<char> buffer(16 * 1024);
  struct group entry {};
  struct group* found = nullptr;
  ::getgrnam_r(group.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (!found) {
    return cannot_listen(address, "there is no group '" + group + "'; create it, or configure another group");
  }
  struct stat status {};
  if (::stat(address.socket_path.c_str(), &status) == 0 && status.st_gid == found->gr_gid) return {};
  if (::chown(address.socket_path.c_str(), static_cast<uid_t>(-1), found->gr_gid) == 0) return {};
  const int error = errno;
  return cannot_listen(address, "can't give the socket to group '" + group + "': " + error_text(error) +
                                    (error == EPERM ? socket_group_advice(group) : ""));
}

Result<ListeningSocket> listen_on_unix_socket(const ListenAddress& address, const std::string& group, unsigned mode) {
  const auto target = unix_address(address.socket_path);
  if (!target) return cannot_listen(address, "the path is too long for a socket (at most 107 bytes)");
  if (auto way = make_way(address, *target); !way) return Failure{way.error()};
  ListeningSocket socket;
  socket.descriptor = new_socket(AF_UNIX);
  if (!socket.descriptor.valid()) return cannot_listen(address, error_text(errno));
  // Linux makes the file with the socket's own mode: nobody gets in before the group is set.
  ::fchmod(socket.descriptor.get(), 0600);
  if (::bind(socket.descriptor.get(), target->get(), target->length) != 0) {
    if (errno == EADDRINUSE) return in_use(address);
    if (errno == ENOENT) return cannot_listen(address, "its folder doesn't exist; create it");
    return cannot_listen(address, error_text(errno));
  }
  socket.file = SocketFile(address.socket_path);
  if (auto given = give_to_group(address, group); !given) return Failure{given.error()};
  if (::chmod(address.socket_path.c_str(), mode) != 0 || ::listen(socket.descriptor.get(), backlog) != 0) {
    return cannot_listen(address, error_text(errno));
  }
  return socket;
}

}  // namespace

SocketFile::SocketFile(std::string path) : path_(std::move(path)) {
  struct stat status {};
  if (::lstat(path_.c_str(), &status) != 0) {
    path_.clear();
    return;
  }
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

SocketFile::SocketFile(SocketFile&& other) noexcept
    : path_(std::exchange(other.path_, {})), device_(other.device_), inode_(other.inode_) {}

SocketFile& SocketFile::operator=(SocketFile&& other) noexcept {
  if (this != &other) {
    remove();
    path_ = std::exchange(other.path_, {});
    device_ = other.device_;
    inode_ = other.inode_;
  }
  return *this;
}

void SocketFile::remove() {
  if (path_.empty()) return;
  struct stat status {};
  // Another daemon may have put its own socket there meanwhile.
  const bool ours = ::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_;
  if (ours) ::unlink(path_.c_str());
  path_.clear();
}

Result<ListeningSocket> open_listening_socket(const ListenAddress& address, const std::string& group, unsigned mode) {
  if (auto inherited = InheritedSockets::of_this_process().find(address)) {
    // Its file, group and mode are the service manager's.
    ListeningSocket socket;
    socket.descriptor = std::move(*inherited);
    socket.port = address.port;
    return socket;
  }
  return address.unix_socket() ? listen_on_unix_socket(address, group, mode) : listen_on_tcp(address);
}

}  // namespace relay
