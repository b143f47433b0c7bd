#include "journal/pausing.hpp"

#include "journal/writer_statements.hpp"

namespace relay {

PauseCommand::PauseCommand(const ActionParts& parts, std::string destination, bool pause, AuditRow audit,
                           ActionCallback callback)
    : OperatorCommand(parts, std::move(audit), std::move(callback)),
      destination_(std::move(destination)),
      pause_(pause) {}

Result<ActionDone, ActionRefusal> PauseCommand::change(WriteTransaction& transaction) {
  TotalsRow& totals = transaction.state.totals.of(destination_);
  number_ = totals.destination;
  const std::uint64_t changed = totals.paused == pause_ ? 0 : 1;
  totals.paused = pause_;
  ActionStatements& statements = transaction.statements.actions;
  if (pause_) {
    statements.pause.run(*number_, transaction.now);
  } else {
    statements.resume.run(*number_);
    transaction.may_have_work.push_back(*number_);
  }
  // A resume also closes a circuit, paused or not: it is an act in either case.
  if (changed > 0 || !pause_) audit_.write(transaction, changed);
  return ActionDone{changed, 0};
}

void PauseCommand::committed() {
  if (number_) parts_.paused.set(*number_, pause_);
  OperatorCommand::committed();
}

}  // namespace relay
