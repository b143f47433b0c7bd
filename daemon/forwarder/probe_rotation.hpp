// ProbeRotation: which delivery the next probe takes, so that neither one client nor one submission holds a lane
// forever: the client probed longest ago, and of it a submission that wasn't probed lately.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "journal/journal.hpp"

namespace relay {

class ProbeRotation {
 public:
  // How many submissions are passed over because they were probed lately, and how many clients are remembered. Both
  // only bound memory: once exceeded, the oldest memory goes first.
  static constexpr std::size_t remembered_submissions = 64;
  static constexpr std::size_t remembered_clients = 4096;

  // A failure that kept or made the circuit open counts as a probe of that client and submission.
  void probed(const Submission& submission);
  // Of the clients that wait, the one never probed, else the one probed longest ago; nothing where none waits.
  std::optional<std::string> next_client(const std::vector<std::string>& waiting) const;
  bool lately(const SubmissionId& id) const { return recent_.contains(id); }
  void forget_submissions();

 private:
  std::uint64_t probes_ = 0;
  std::map<std::string, std::uint64_t> last_probe_of_client_;
  std::deque<SubmissionId> recent_order_;
  std::set<SubmissionId> recent_;
};

// Claims the next probe's delivery: of the client probed longest ago the one nearest to `end` that wasn't probed
// lately; once all within reach were, it begins again. Nothing where no delivery is open and unclaimed.
std::optional<Claim> claim_next_probe(Journal& journal, const std::string& destination, ProbeRotation& rotation,
                                      ClaimEnd end);

}  // namespace relay
