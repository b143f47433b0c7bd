#include "base/inherited_sockets.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace relay {
namespace {

constexpr int first_passed_descriptor = 3;  // SD_LISTEN_FDS_START

std::optional<long> number_in_environment(const char* name) {
  // Read at start, before there are other threads.
  const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  if (text == nullptr) return std::nullopt;
  const std::string_view digits = text;
  long number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

bool is_listening_stream(int descriptor) {
  const auto option = [descriptor](int name) {
    int value = 0;
    socklen_t length = sizeof value;
    return ::getsockopt(descriptor, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
  };
  return option(SO_TYPE) == SOCK_STREAM && option(SO_ACCEPTCONN) == 1;
}

std::optional<ListenAddress> address_of(int descriptor) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return std::nullopt;
  std::array<char, INET6_ADDRSTRLEN> host{};
  switch (storage.ss_family) {
    case AF_INET: {
      const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage);
      ::inet_ntop(AF_INET, &v4->sin_addr, host.data(), static_cast<socklen_t>(host.size()));
      return ListenAddress{host.data(), ntohs(v4->sin_port), ""};
    }
    case AF_INET6: {
      const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage);
      ::inet_ntop(AF_INET6, &v6->sin6_addr, host.data(), static_cast<socklen_t>(host.size()));
      return ListenAddress{host.data(), ntohs(v6->sin6_port), ""};
    }
    case AF_UNIX: {
      const auto* local = reinterpret_cast<const sockaddr_un*>(&storage);
      const std::size_t longest = static_cast<std::size_t>(length) - offsetof(sockaddr_un, sun_path);
      const std::string path(local->sun_path, ::strnlen(local->sun_path, longest));
      if (path.empty()) return std::nullopt;  // abstract: no `listen` can name it
      return ListenAddress{"", 0, path};
    }
    default:
      return std::nullopt;
  }
}

}  // namespace

const InheritedSockets& InheritedSockets::of_this_process() {
  static const InheritedSockets sockets = [] {
    const auto count = number_in_environment("LISTEN_FDS");
    const bool ours = number_in_environment("LISTEN_PID") == static_cast<long>(::getpid());
    constexpr long most = 1024;
    return InheritedSockets(first_passed_descriptor,
                            ours && count ? static_cast<int>(std::clamp(*count, 0L, most)) : 0);
  }();
  return sockets;
}

InheritedSockets::InheritedSockets(int first_descriptor, int count) {
  for (int descriptor = first_descriptor; descriptor < first_descriptor + count; ++descriptor) {
    FileDescriptor owned(descriptor);
    if (!is_listening_stream(descriptor)) continue;
    auto address = address_of(descriptor);
    if (!address) continue;
    ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    const int flags = ::fcntl(descriptor, F_GETFL);
    if (flags < 0 || ::fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) != 0) continue;
    sockets_.push_back({std::move(*address), std::move(owned)});
  }
}

std::vector<ListenAddress> InheritedSockets::addresses() const {
  std::vector<ListenAddress> found;
  for (const auto& each : sockets_) found.push_back(each.address);
  return found;
}

std::optional<FileDescriptor> InheritedSockets::find(const ListenAddress& address) const {
  const auto found = std::ranges::find(sockets_, address, &Inherited::address);
  if (found == sockets_.end()) return std::nullopt;
  FileDescriptor another(::fcntl(found->descriptor.get(), F_DUPFD_CLOEXEC, 0));
  if (!another.valid()) return std::nullopt;
  return another;
}

}  // namespace relay
