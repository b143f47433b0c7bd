#include "operations/unix_socket.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <vector>

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.hpp"

namespace relay {
namespace {

constexpr std::size_t group_entry_limit = 64 * 1024;

std::optional<gid_t> group_id(const std::string& name) {
  std::vector<char> buffer(group_entry_limit);
  group entry{};
  group* found = nullptr;
  if (getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
    return std::nullopt;
  }
  return found->gr_gid;
}

}  // namespace

int try_unix_socket(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& text = path.native();
  if (text.empty() || text.size() >= sizeof address.sun_path) return ENAMETOOLONG;
  std::memcpy(address.sun_path, text.data(), text.size());
  // Without waiting: a listener whose backlog is full (EAGAIN) is a live one.
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return errno;
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return 0;
  return errno == EAGAIN ? 0 : errno;
}

std::string group_of(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return "";
  std::vector<char> buffer(group_entry_limit);
  group entry{};
  group* found = nullptr;
  if (getgrgid_r(status.st_gid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return "";
  return found->gr_name;
}

bool may_give_to_group(const std::string& group) {
  const auto id = group_id(group);
  if (!id) return false;
  if (::geteuid() == 0 || ::getegid() == *id) return true;
  const int count = ::getgroups(0, nullptr);
  if (count <= 0) return false;
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  const int filled = ::getgroups(count, groups.data());
  return filled > 0 && std::find(groups.begin(), groups.begin() + filled, *id) != groups.begin() + filled;
}

}  // namespace relay
