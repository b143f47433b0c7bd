// Claims: which deliveries are in flight. The only mutable thing that threads share inside the journal; in memory
// alone, so that after a crash what was in flight is simply queued again.
#pragma once

#include <atomic>
#include <boost/container/flat_set.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
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
  bool ordered = false;  // it keeps an order: others may wait for its end
  // The payload's row as it lies in the journal, where it is small; it is read with the delivery then.
  std::shared_ptr<const std::string> payload_row{};
};

// Thread-safe.
class ClaimSet {
 public:
  // A copy is taken with every claim, of some hundreds at most.
  using Seqs = boost::container::flat_set<std::int64_t>;

  // `opening` grows with every start of a daemon on this journal and fills the upper bits of its tokens: 2^23 starts,
  // 2^39 claims each. They begin at a random one of as many, since a start on a full disk can't save its number, and
  // the next one then has the same.
  explicit ClaimSet(std::int64_t opening);

  // The claimed seqs of a destination. Taken before the journal is read: what is missing here has had its settlement
  // committed, so the read sees it.
  Seqs claimed(DestinationNumber destination) const;
  ClaimToken add(ClaimedDelivery delivery);
  bool contains(DestinationNumber destination, std::int64_t seq) const;
  std::optional<ClaimedDelivery> find(ClaimToken token) const;
  // The first settlement of a claim gets its delivery; from then on the token is stale, the delivery still claimed.
  std::optional<ClaimedDelivery> begin_settlement(ClaimToken token);
  // What was read ahead of its claim holds while this stays the same: it changes with everything that takes out, puts
  // off or puts in front what is queued, and with nothing else (a claim, an end of what was claimed, a new submission).
  std::uint64_t queue_changes() const { return queue_changes_; }
  void queue_changed() { ++queue_changes_; }
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
  std::unordered_map<DestinationNumber, Seqs> seqs_;
  std::atomic<std::uint64_t> queue_changes_{0};
};

}  // namespace relay
