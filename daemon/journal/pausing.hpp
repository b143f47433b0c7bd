// pause and resume: whether anything of a destination is claimed.
#pragma once

#include "journal/operator_command.hpp"

namespace relay {

class PauseCommand : public OperatorCommand {
 public:
  PauseCommand(const ActionParts& parts, std::string destination, bool pause, AuditRow audit, ActionCallback callback);
  void committed() override;

 protected:
  Result<ActionDone, ActionRefusal> change(WriteTransaction& transaction) override;

 private:
  const std::string destination_;
  const bool pause_;
  std::optional<DestinationNumber> number_;
};

}  // namespace relay
