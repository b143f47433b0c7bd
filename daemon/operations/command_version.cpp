#include <ostream>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "operations/commands.hpp"

namespace relay {

ExitCode execute(const VersionCommand& command, const Streams& streams) {
  if (command.json) {
    streams.out << boost::json::serialize(boost::json::object{{"version", RELAY_VERSION}}) << "\n";
  } else {
    streams.out << "edge-relay " RELAY_VERSION "\n";
  }
  return ExitCode::success;
}

}  // namespace relay
