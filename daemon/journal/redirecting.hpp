// redirect: moves queued deliveries and dead letters from one destination to another. First all of them are looked at:
// where the other one can't take one of them, nothing is moved.
#pragma once

#include "journal/bulk_action.hpp"

namespace relay {

class Redirection : public BulkAction {
 public:
  Redirection(const ActionParts& parts, RedirectRequest request, AuditRow audit, ActionCallback callback)
      : BulkAction(parts, std::move(audit), std::move(callback)), request_(std::move(request)) {}

 protected:
  void slice(WriteTransaction& transaction, ClaimHold& hold, Progress& progress) override;

 private:
  enum Phase : int { check_open, check_dead, move_open, move_dead };
  // The next submissions of the phase; empty at its end.
  std::vector<std::int64_t> next_seqs(WriteTransaction& transaction, DestinationNumber from, Progress& progress) const;
  std::vector<std::int64_t> listed_seqs(WriteTransaction& transaction, ClaimHold& hold, Progress& progress) const;
  void check(WriteTransaction& transaction, ClaimHold& hold, const std::vector<std::int64_t>& seqs,
             Progress& progress) const;
  void move(WriteTransaction& transaction, ClaimHold& hold, std::int64_t seq, DestinationNumber from,
            DestinationNumber to, Progress& progress) const;

  const RedirectRequest request_;
};

}  // namespace relay
