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
    failing.others_back_off = failing.others_back_off || for_its_client;
  }
  // Ends it. True where deliveries back off for their client's sake: they may wait for nothing any more.
  bool accepted(const std::string& client) {
    const auto found = clients_.find(client);
    if (found == clients_.end()) return false;
    const bool others_back_off = found->second.others_back_off;
    clients_.erase(found);
    return others_back_off;
  }

 private:
  struct Failing {
    KindsOfFailure broken;
    bool others_back_off = false;
  };
  std::map<std::string, Failing> clients_;
};

}  // namespace relay
