#include "journal/submission_action.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "journal/writer_statements.hpp"

namespace relay {

namespace {

using Kind = ActionRefusal::Kind;
using Deliveries = std::vector<StandingDelivery>;

bool takes(SubmissionAction action, DeliveryState state) {
  switch (action) {
    case SubmissionAction::retry:
      return state == DeliveryState::dead_letter;
    case SubmissionAction::resend:
      return state == DeliveryState::delivered;
    case SubmissionAction::set_aside:
      return state == DeliveryState::queued;
    case SubmissionAction::discard:
      return state == DeliveryState::queued || state == DeliveryState::dead_letter;
  }
  return false;
}

std::string_view what_it_takes(SubmissionAction action) {
  switch (action) {
    case SubmissionAction::retry:
      return "retry takes a dead_letter";
    case SubmissionAction::resend:
      return "resend takes a delivered one";
    case SubmissionAction::set_aside:
      return "set-aside takes a queued one";
    case SubmissionAction::discard:
      return "discard takes a queued one or a dead_letter";
  }
  return "";
}

bool for_several(SubmissionAction action) {
  return action == SubmissionAction::retry || action == SubmissionAction::resend;
}

// "reportstream is queued, archive is delivered"
std::string states_text(const Deliveries& deliveries) {
  std::string text;
  for (const StandingDelivery& delivery : deliveries) {
    text += fmt::format("{}{} is {}", text.empty() ? "" : ", ", delivery.name, delivery_state_name(delivery.state));
  }
  return text.empty() ? "it has no delivery" : text;
}

std::string names_text(const Deliveries& deliveries) {
  std::string text;
  for (const StandingDelivery& delivery : deliveries) text += (text.empty() ? "" : ", ") + delivery.name;
  return text;
}

}  // namespace

std::string_view submission_action_name(SubmissionAction action) {
  switch (action) {
    case SubmissionAction::retry:
      return "retry";
    case SubmissionAction::resend:
      return "resend";
    case SubmissionAction::set_aside:
      return "set-aside";
    case SubmissionAction::discard:
      return "discard";
  }
  return "";
}

SubmissionActionCommand::SubmissionActionCommand(const ActionParts& parts, ActionRequest request, AuditRow audit,
                                                 ActionCallback callback)
    : OperatorCommand(parts, std::move(audit), std::move(callback)), request_(std::move(request)) {}

Result<Deliveries, ActionRefusal> SubmissionActionCommand::choose(const Deliveries& all) const {
  Deliveries meant;
  for (const StandingDelivery& delivery : all) {
    if (!request_.destination || delivery.name == *request_.destination) meant.push_back(delivery);
  }
  if (meant.empty() && request_.destination) {
    return refuse_action(Kind::not_found, fmt::format("This submission has no delivery for {}; it has: {}.",
                                                      *request_.destination, states_text(all)));
  }
  Deliveries fitting;
  std::copy_if(meant.begin(), meant.end(), std::back_inserter(fitting),
               [&](const StandingDelivery& delivery) { return takes(request_.action, delivery.state); });
  if (fitting.empty()) {
    return refuse_action(Kind::wrong_state, fmt::format("{}: {}.", what_it_takes(request_.action), states_text(meant)));
  }
  if (fitting.size() > 1 && !for_several(request_.action)) {
    return refuse_action(Kind::wrong_state, fmt::format("{} could mean {}: name one as destination.",
                                                        submission_action_name(request_.action), names_text(fitting)));
  }
  return fitting;
}

Result<ActionDone, ActionRefusal> SubmissionActionCommand::change(WriteTransaction& transaction) {
  const auto row = transaction.statements.submissions.by_id(request_.id);
  if (!row) return refuse_action(Kind::not_found, "The journal has no submission with this id.");
  DeliveryChanges changes(transaction, parts_.cipher, hold_);
  const auto chosen = choose(changes.all(*row));
  if (!chosen) return Failure{chosen.error()};
  if (request_.action == SubmissionAction::resend && changes.payload_erased(*row)) {
    return refuse_action(Kind::wrong_state, fmt::format("{}; its payload was erased (journal.keep_delivered_payload).",
                                                        states_text(*chosen)));
  }
  for (const StandingDelivery& delivery : *chosen) {
    if (delivery.state == DeliveryState::queued && !hold_.take(delivery.destination, row->seq)) {
      return refuse_action(Kind::wrong_state,
                           fmt::format("{} is queued and in flight just now: its outcome comes first.", delivery.name));
    }
  }
  for (const StandingDelivery& delivery : *chosen) change_one(changes, *row, delivery);
  audit_.write(transaction, chosen->size());
  return ActionDone{chosen->size(), 0};
}

void SubmissionActionCommand::change_one(DeliveryChanges& changes, const SubmissionRow& row,
                                         const StandingDelivery& delivery) {
  switch (request_.action) {
    case SubmissionAction::retry:
      return changes.retry(row, delivery);
    case SubmissionAction::resend:
      return changes.resend(row, delivery);
    case SubmissionAction::set_aside:
      return changes.set_aside(row, delivery);
    case SubmissionAction::discard:
      return changes.discard(row, delivery, request_.reason);
  }
}

}  // namespace relay
