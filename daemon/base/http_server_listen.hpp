// Opens the socket that a listener listens on: TCP, or a Unix socket with its group and mode.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/file.hpp"
#include "base/listen_address.hpp"
#include "base/result.hpp"

namespace relay {

// A Unix socket's file, removed with it while it is still the one that was made.
class SocketFile {
 public:
  SocketFile() = default;
  explicit SocketFile(std::string path);  // the file is there
  ~SocketFile() { remove(); }
  SocketFile(SocketFile&& other) noexcept;
  SocketFile& operator=(SocketFile&& other) noexcept;
  void remove();

 private:
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

struct ListeningSocket {
  FileDescriptor descriptor;  // non-blocking
  std::uint16_t port = 0;     // as bound; 0 for a Unix socket
  SocketFile file;
};

// One that the service manager passed on for that address is taken as it is (base/inherited_sockets). Otherwise `group`
// and `mode` are a Unix socket's; an empty group leaves it as it is. From its first moment on the file is open
// to nobody whom the mode doesn't name. Errors name the address and the way out.
Result<ListeningSocket> open_listening_socket(const ListenAddress& address, const std::string& group, unsigned mode);

}  // namespace relay
