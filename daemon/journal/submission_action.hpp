// retry, resend, set aside or discard: what people do to one submission.
#pragma once

#include "journal/delivery_changes.hpp"
#include "journal/operator_command.hpp"

namespace relay {

class SubmissionActionCommand : public OperatorCommand {
 public:
  SubmissionActionCommand(const ActionParts& parts, ActionRequest request, AuditRow audit, ActionCallback callback);

 protected:
  Result<ActionDone, ActionRefusal> change(WriteTransaction& transaction) override;

 private:
  using Deliveries = std::vector<StandingDelivery>;
  // Those to change, or why none is.
  Result<Deliveries, ActionRefusal> choose(const Deliveries& all) const;
  void change_one(DeliveryChanges& changes, const SubmissionRow& row, const StandingDelivery& delivery);

  const ActionRequest request_;
};

}  // namespace relay
