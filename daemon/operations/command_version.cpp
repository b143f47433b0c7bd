#include <ostream>

#include "operations/commands.hpp"

namespace relay {

ExitCode execute(const VersionCommand&, const Streams& streams) {
  streams.out << "edge-relay " RELAY_VERSION "\n";
  return ExitCode::success;
}

}  // namespace relay
