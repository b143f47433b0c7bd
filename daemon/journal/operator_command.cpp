#include "journal/operator_command.hpp"

#include <algorithm>

namespace relay {

std::optional<DestinationNumber> number_of(const WriteTransaction& transaction, const std::string& name) {
  const auto& rows = transaction.state.totals.rows();
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const TotalsRow& row) { return row.name == name; });
  return found == rows.end() ? std::nullopt : std::optional(found->destination);
}

OperatorCommand::OperatorCommand(const ActionParts& parts, AuditRow audit, ActionCallback callback)
    : parts_(parts), audit_(std::move(audit)), callback_(std::move(callback)), hold_(parts.claims, parts.claiming) {}

void OperatorCommand::apply(WriteTransaction& transaction) {
  hold_.release();
  audit_.settled(false);
  result_ = change(transaction);
}

void OperatorCommand::committed() {
  hold_.release();
  audit_.settled(true);
  callback_(std::move(result_));
}

Command::Fate OperatorCommand::not_saved(AppendRefusal) {
  hold_.release();
  callback_(refuse_action(ActionRefusal::Kind::journal_failing, "The journal can't save this now."));
  return Fate::done;
}

}  // namespace relay
