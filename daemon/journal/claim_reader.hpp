// Finds deliveries to claim. Every look-up goes by a key, and steps over claimed rows alone: its cost grows with the
// logarithm of the backlog, with what is in flight, and where it asks for clients, with their number.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "journal/claims.hpp"
#include "journal/database.hpp"
#include "journal/payload_reader.hpp"
#include "journal/submission_rows.hpp"

namespace relay {

struct ClaimableDelivery {
  ClaimedDelivery place;
  Claim claim;  // without a token
};

class ClaimReader {
 public:
  // `cipher` outlives it.
  ClaimReader(Connection& connection, const PayloadCipher& cipher);

  using Seqs = ClaimSet::Seqs;
  // Due retries first, by their time; then what is at its place, oldest first.
  std::vector<ClaimableDelivery> due(DestinationNumber destination, WallTime now, std::size_t count,
                                     const Seqs& claimed);
  std::optional<ClaimableDelivery> probe(DestinationNumber destination, const ProbeChoice& choice, const Seqs& claimed);
  std::vector<std::string> waiting_clients(DestinationNumber destination, std::size_t limit, const Seqs& claimed);
  std::optional<WallTime> next_due(DestinationNumber destination, const Seqs& claimed);
  // The lowest seq that is queued there, claimed or not.
  std::optional<std::int64_t> oldest(DestinationNumber destination);
  // The clients with an open delivery there, in order; `visit` says whether to go on.
  void each_client(DestinationNumber destination, const std::function<bool(const std::string&)>& visit);

 private:
  // The first one in order that isn't claimed, and isn't `other_than` unless there is no other.
  struct ProbeCandidate {
    std::int64_t due = 0;
    std::int64_t seq = 0;
    std::string client;
    bool is_other = false;  // not `other_than`
  };
  std::optional<ProbeCandidate> probe_of_client(DestinationNumber destination, const std::string& client, ClaimEnd end,
                                                std::int64_t other_than, const Seqs& claimed);
  ClaimableDelivery claimable(DestinationNumber destination, const Rows& delivery);
  // Those of them of which one doesn't wait for its turn.
  void each_sendable_client(DestinationNumber destination, const std::function<bool(const std::string&)>& visit);
  static void each_client_of(Statement& next, DestinationNumber destination,
                             const std::function<bool(const std::string&)>& visit);

  Statement retries_;
  Statement at_place_;
  Statement waiting_;
  Statement client_oldest_;  // sendable ones
  Statement client_newest_;
  Statement next_client_;
  Statement next_sendable_client_;
  Statement oldest_of_client_;  // of all
  Statement one_;
  SubmissionReader submissions_;
  PayloadRows payloads_;
};

}  // namespace relay
