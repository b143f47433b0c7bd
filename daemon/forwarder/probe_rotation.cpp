#include "forwarder/probe_rotation.hpp"

#include <algorithm>

namespace relay {
namespace {

// Clients looked at for a probe; beyond it those that the journal names first are probed.
constexpr std::size_t client_limit = 1024;

// Claims that were only taken to see what lies behind them; given back when the search ends.
class PassedOver {
 public:
  explicit PassedOver(Journal& journal) : journal_(journal) {}
  ~PassedOver() {
    for (const Claim& claim : claims_) journal_.release(claim.token);
  }
  PassedOver(const PassedOver&) = delete;
  PassedOver& operator=(const PassedOver&) = delete;
  void add(Claim claim) { claims_.push_back(std::move(claim)); }
  std::size_t count() const { return claims_.size(); }
  std::optional<Claim> take_first() {
    if (claims_.empty()) return std::nullopt;
    Claim first = std::move(claims_.front());
    claims_.erase(claims_.begin());
    return first;
  }

 private:
  Journal& journal_;
  std::vector<Claim> claims_;
};

}  // namespace

void ProbeRotation::probed(const Submission& submission) {
  last_probe_of_client_[submission.client] = ++probes_;
  if (last_probe_of_client_.size() > remembered_clients) {
    last_probe_of_client_.erase(std::min_element(last_probe_of_client_.begin(), last_probe_of_client_.end(),
                                                 [](const auto& a, const auto& b) { return a.second < b.second; }));
  }
  if (!recent_.insert(submission.id).second) return;
  recent_order_.push_back(submission.id);
  if (recent_order_.size() <= remembered_submissions) return;
  recent_.erase(recent_order_.front());
  recent_order_.pop_front();
}

std::optional<std::string> ProbeRotation::next_client(const std::vector<std::string>& waiting) const {
  std::optional<std::string> chosen;
  std::uint64_t longest_ago = UINT64_MAX;
  for (const std::string& client : waiting) {
    const auto found = last_probe_of_client_.find(client);
    const std::uint64_t last = found == last_probe_of_client_.end() ? 0 : found->second;
    if (last >= longest_ago) continue;
    chosen = client;
    longest_ago = last;
  }
  return chosen;
}

void ProbeRotation::forget_submissions() {
  recent_.clear();
  recent_order_.clear();
}

std::optional<Claim> claim_next_probe(Journal& journal, const std::string& destination, ProbeRotation& rotation,
                                      ClaimEnd end) {
  const auto client = rotation.next_client(journal.waiting_clients(destination, client_limit));
  if (!client) return std::nullopt;
  PassedOver passed_over(journal);
  while (passed_over.count() <= ProbeRotation::remembered_submissions) {
    auto claim = journal.claim_probe(destination, ProbeChoice{client, std::nullopt, end});
    if (!claim) break;
    if (!rotation.lately(claim->submission.id)) return claim;
    passed_over.add(std::move(*claim));
  }
  // Every one within reach had its turn.
  rotation.forget_submissions();
  return passed_over.take_first();
}

}  // namespace relay
