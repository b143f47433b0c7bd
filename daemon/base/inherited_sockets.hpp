// Listening sockets that a service manager opened for this process and passed on (systemd.socket(5); the protocol is
// that of sd_listen_fds(3): $LISTEN_PID names the process, $LISTEN_FDS says how many there are, from descriptor 3 on).
// They stay open with the service manager while the relay is restarted, so nobody who connects meanwhile is refused.
#pragma once

#include <optional>
#include <vector>

#include "base/file.hpp"
#include "base/listen_address.hpp"

namespace relay {

class InheritedSockets {
 public:
  // Those of this process. Taken at the first call, which belongs before the first thread.
  static const InheritedSockets& of_this_process();

  // Takes over that many descriptors; what isn't a listening stream socket is closed.
  InheritedSockets(int first_descriptor, int count);

  // What they listen on.
  std::vector<ListenAddress> addresses() const;
  // Another descriptor of the socket that listens on that address, non-blocking; nothing where none does. The socket
  // itself goes on listening when that one is closed.
  std::optional<FileDescriptor> find(const ListenAddress& address) const;

 private:
  struct Inherited {
    ListenAddress address;
    FileDescriptor descriptor;
  };
  std::vector<Inherited> sockets_;
};

}  // namespace relay
