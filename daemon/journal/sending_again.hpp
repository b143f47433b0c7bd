// retry and resend of many: a destination's dead letters, or what it took in a span of time.
#pragma once

#include "journal/bulk_action.hpp"

namespace relay {

// Every dead letter of a destination, oldest submission first.
class RetryAll : public BulkAction {
 public:
  RetryAll(const ActionParts& parts, BulkRequest request, AuditRow audit, ActionCallback callback)
      : BulkAction(parts, std::move(audit), std::move(callback)), request_(std::move(request)) {}

 protected:
  void slice(WriteTransaction& transaction, ClaimHold& hold, Progress& progress) override;

 private:
  const BulkRequest request_;
};

// What was delivered in that time, while its payload is kept. Such a submission is found in the order in which
// deliveries ended (table `erasure`), or, where another delivery of it is still open or dead, among those.
class ResendAll : public BulkAction {
 public:
  ResendAll(const ActionParts& parts, BulkRequest request, AuditRow audit, ActionCallback callback)
      : BulkAction(parts, std::move(audit), std::move(callback)), request_(std::move(request)) {}

 protected:
  void slice(WriteTransaction& transaction, ClaimHold& hold, Progress& progress) override;

 private:
  // The next submissions to look at; empty at a phase's end.
  std::vector<std::int64_t> candidates(WriteTransaction& transaction, Progress& progress) const;
  void look_at(WriteTransaction& transaction, ClaimHold& hold, DestinationNumber destination, std::int64_t seq,
               Progress& progress) const;

  const BulkRequest request_;
};

}  // namespace relay
