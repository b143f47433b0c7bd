#include "base/socket_group_advice.hpp"

#include <fmt/format.h>

namespace relay {

std::string socket_group_advice(const std::string& group) {
  return fmt::format(
      "; where the relay's user isn't a member of it or the service's sandbox keeps it from it: `systemctl edit "
      "edge-relay`, write [Service] and below it SupplementaryGroups={} and SystemCallFilter=@chown, a line each, and "
      "restart",
      group);
}

}  // namespace relay
