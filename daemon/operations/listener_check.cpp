#include "operations/listener_check.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "base/file.hpp"
#include "base/inherited_sockets.hpp"
#include "operations/unix_socket.hpp"

namespace relay {
namespace {

// Binds and lets go again: 0, or errno.
int try_to_bind(const ListenAddress& address) {
  sockaddr_storage storage{};
  socklen_t size = 0;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  if (::inet_pton(AF_INET, address.host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(address.port);
    size = sizeof *v4;
  } else if (::inet_pton(AF_INET6, address.host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(address.port);
    size = sizeof *v6;
  } else {
    return EADDRNOTAVAIL;
  }
  const FileDescriptor socket(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return errno;
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (storage.ss_family == AF_INET6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) return errno;
  return ::listen(socket.get(), 1) == 0 ? 0 : errno;
}

std::optional<std::string> complaint_about_port(const ListenAddress& address) {
  const int error = try_to_bind(address);
  if (error == 0) return std::nullopt;
  if (error == EADDRINUSE) {
    return fmt::format(
        "can't listen on {}: the port is in use, by another edge-relay or another program (`ss -ltnp` names it). Stop "
        "that, or configure another port",
        address.text());
  }
  if (error == EADDRNOTAVAIL) {
    return fmt::format("can't listen on {}: this machine has no such address. Configure one that `ip address` shows",
                       address.text());
  }
  if (error == EACCES) {
    return fmt::format("can't listen on {}: no permission. Configure a port above 1023", address.text());
  }
  return fmt::format("can't listen on {}: {}", address.text(), error_text(error));
}

std::optional<std::string> complaint_about_socket(const ListenAddress& address) {
  const std::filesystem::path path = address.socket_path;
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    return fmt::format("can't listen on {}: there is no folder {}. Create it, or configure another path",
                       address.text(), folder.native());
  }
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    return fmt::format(
        "can't listen on {}: no permission to create a file in {}. Run as the user that owns it, or "
        "configure another path",
        address.text(), folder.native());
  }
  const auto status = std::filesystem::symlink_status(path, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_socket(status)) {
    return fmt::format("can't listen on {}: that file is no socket. Move it away, or configure another path",
                       address.text());
  }
  if (try_unix_socket(path) == 0) {
    return fmt::format(
        "can't listen on {}: the socket is in use, by another edge-relay that runs. Stop that (`systemctl stop "
        "edge-relay`), or configure another path",
        address.text());
  }
  if (try_unix_socket(path) == ENAMETOOLONG) {
    return fmt::format("can't listen on {}: a socket's path has at most 107 bytes. Configure a shorter one",
                       address.text());
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> complaint_about_address(const ListenAddress& address) {
  if (InheritedSockets::of_this_process().find(address)) return std::nullopt;
  return address.unix_socket() ? complaint_about_socket(address) : complaint_about_port(address);
}

std::optional<std::string> complaint_about_listeners(const Settings& settings) {
  for (const ListenAddress& inherited : InheritedSockets::of_this_process().addresses()) {
    const bool named =
        std::ranges::any_of(settings.intake.http, [&](const auto& listener) { return listener.listen == inherited; });
    if (!named) {
      return fmt::format(
          "the service manager passed a socket that listens on {}, and no entry of intake.http does: whoever connects "
          "there would wait for ever. Name the same address in both, or disable edge-relay.socket",
          inherited.text());
    }
  }
  std::vector<ListenAddress> addresses;
  for (const auto& listener : settings.intake.http) addresses.push_back(listener.listen);
  for (const auto& listener : settings.intake.mllp) addresses.push_back(listener.listen);
  if (settings.admin.listen) addresses.push_back(*settings.admin.listen);
  addresses.push_back({"", 0, settings.admin.socket.native()});

  std::set<std::string> seen;
  for (const auto& address : addresses) {
    if (!seen.insert(address.text()).second && (address.unix_socket() || address.port != 0)) {
      return fmt::format("two listeners of the configuration have the same address {}", address.text());
    }
    if (auto complaint = complaint_about_address(address)) return complaint;
  }
  return std::nullopt;
}

}  // namespace relay
