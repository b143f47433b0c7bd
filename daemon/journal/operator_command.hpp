// What every change by an operator shares: its row in the audit, the deliveries it holds, and its answer.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "journal/audit_log.hpp"
#include "journal/claim_hold.hpp"
#include "journal/command.hpp"
#include "journal/inbox.hpp"
#include "journal/operator_actions.hpp"
#include "journal/paused_destinations.hpp"

namespace relay {

// The parts of the journal that the changes need; all outlive them.
struct ActionParts {
  const PayloadCipher& cipher;
  ClaimSet& claims;
  std::mutex& claiming;
  PausedDestinations& paused;
  Inbox& inbox;
  const std::atomic<bool>& stopping;
};

// The number of a destination that the journal knows.
std::optional<DestinationNumber> number_of(const WriteTransaction& transaction, const std::string& name);

inline Failure<ActionRefusal> refuse_action(ActionRefusal::Kind kind, std::string message) {
  return Failure{ActionRefusal{kind, std::move(message)}};
}

class OperatorCommand : public Command {
 public:
  OperatorCommand(const ActionParts& parts, AuditRow audit, ActionCallback callback);
  Urgency urgency() const override { return Urgency::first; }
  void apply(WriteTransaction& transaction) final;
  void committed() override;
  // Nothing was changed; whoever asked hears it and asks again.
  Fate not_saved(AppendRefusal why) override;

 protected:
  // Makes the change and writes the audit where there was anything to change. May run again after a rollback.
  virtual Result<ActionDone, ActionRefusal> change(WriteTransaction& transaction) = 0;

  const ActionParts parts_;
  AuditRow audit_;
  ActionCallback callback_;
  ClaimHold hold_;
  Result<ActionDone, ActionRefusal> result_ = ActionDone{};
};

}  // namespace relay
