// `edge-relay open-deliveries FILE`: what the package asks when it is removed. Not in the list of commands, since
// `status` and `verify` tell people more.
#include <ostream>

#include "journal/open_deliveries.hpp"
#include "operations/commands.hpp"

namespace relay {

ExitCode execute(const OpenDeliveriesCommand& command, const Streams& streams) {
  const auto open = count_open_deliveries(command.journal.native());
  if (!open) {
    streams.err << "edge-relay open-deliveries: " << open.error().message << "\n";
    return ExitCode::journal;
  }
  streams.out << *open << "\n";
  return ExitCode::success;
}

}  // namespace relay
