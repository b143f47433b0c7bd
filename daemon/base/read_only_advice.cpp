#include "base/read_only_advice.hpp"

#include <fmt/format.h>

namespace relay {

std::string read_only_advice(const std::filesystem::path& folder) {
  return fmt::format(
      "; where the service's sandbox keeps it out: `systemctl edit edge-relay`, write [Service] and below it "
      "ReadWritePaths={}, and restart",
      folder.string());
}

}  // namespace relay
