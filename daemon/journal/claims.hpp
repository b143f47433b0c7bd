// Claims: which deliveries are in flight. The only mutable thing that threads share inside the journal; in memory
// alone, so that after a crash what was in flight is simply queued again.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "journal/journal.hpp"
#include "journal/totals.hpp"

namespace relay {

// Where a claimed delivery stands in the tables.
struct ClaimedDelivery {
  DestinationNumber destination = 0;
  std::int64_t due = 0;
  std::int64_t seq = 0;
  std::string client;  // as the delivery's row has it
  SubmissionId id;
  bool sound = true;  // the submission's row is there and its digest holds
  std::optional<std::int64_t> upload{};
};

// Thread-safe.
class ClaimSet {
 public:
  // `opening` grows with every start of a daemon on this journal and fills the upper bits of its tokens: 2^23 starts,
  // 2^39 claims each. They begin at a random one of as many, since a start on a full disk can't save its number, and
  // the next one then has the same.
  explicit ClaimSet(std::int64_t opening);

  // The claimed seqs of a destination. Taken before the journal is read: what is missing here has had its settlement
  // committed, so the read sees it.
  std::set<std::int64_t> claimed(DestinationNumber destination) const;
  ClaimToken add(ClaimedDelivery delivery);
  bool contains(DestinationNumber destination, std::int64_t seq) const;
  std::optional<ClaimedDelivery> find(ClaimToken token) const;
  // The first settlement of a claim gets its delivery; from then on the token is stale, the delivery still claimed.
  std::optional<ClaimedDelivery> begin_settlement(ClaimToken token);
  // The settlement is durable.
  void end(ClaimToken token);
  // Gives an unsettled claim back; the destination it was for, nothing where the token is stale.
  std::optional<DestinationNumber> release(ClaimToken token);

 private:
  struct Entry {
    ClaimedDelivery delivery;
    bool settling = false;
  };
  void erase(std::unordered_map<std::uint64_t, Entry>::iterator entry);

  mutable std::mutex mutex_;
  std::uint64_t next_token_;
  std::unordered_map<std::uint64_t, Entry> entries_;
  std::unordered_map<DestinationNumber, std::set<std::int64_t>> seqs_;
};

}  // namespace relay
