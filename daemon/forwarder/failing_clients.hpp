// FailingClients: clients whose tries were broken and none accepted since. Where others were accepted in the meantime
// (their rights are in order, this client's aren't), a further broken try of that client opens no circuit.
#pragma once

#include <map>
#include <string>

#include "forwarder/kinds_of_failure.hpp"

namespace relay {

class FailingClients {
 public:
  // Bounds memory. Beyond it all are forgotten, which costs each a short opening of the circuit.
  static constexpr std::size_t most = 4096;

  // `accepts`: how many tries of any client were accepted so far.
  bool alone(const std::string& client, ErrorKind kind, std::uint64_t accepts) const {
    const auto found = clients_.find(client);
    return found != clients_.end() && found->second.broken.others_accepted_since(kind, accepts);
  }
  // `for_its_client`: this delivery backs off because its client does, not for a history of its own.
  void broken(const std::string& client, ErrorKind kind, std::uint64_t accepts, bool for_its_client) {
    if (clients_.size() >= most && !clients_.contains(client)) clients_.clear();
    Failing& failing = clients_[client];
    failing.broken.seen(kind, accepts);
    if (for_its_client) ++failing.backing_off;
  }
  // How many of its deliveries backed off for their client until now: they may wait for nothing any more.
  std::size_t accepted(const std::string& client) {
    const auto found = clients_.find(client);
    if (found == clients_.end()) return 0;
    const std::size_t backing_off = found->second.backing_off;
    clients_.erase(found);
    return backing_off;
  }

 private:
  struct Failing {
    KindsOfFailure broken;
    std::size_t backing_off = 0;
  };
  std::map<std::string, Failing> clients_;
};

}  // namespace relay
