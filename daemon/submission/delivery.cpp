#include "submission/delivery.hpp"

#include <algorithm>
#include <stdexcept>

#include "submission/names.hpp"

namespace relay {
namespace {

constexpr NameTable<DeliveryState, 4> delivery_state_names = {{{DeliveryState::queued, "queued"},
                                                               {DeliveryState::delivered, "delivered"},
                                                               {DeliveryState::dead_letter, "dead_letter"},
                                                               {DeliveryState::discarded, "discarded"}}};

constexpr NameTable<SubmissionState, 5> submission_state_names = {
    {{SubmissionState::queued, "queued"},
     {SubmissionState::delivered, "delivered"},
     {SubmissionState::dead_letter, "dead_letter"},
     {SubmissionState::discarded, "discarded"},
     {SubmissionState::partially_delivered, "partially_delivered"}}};

}  // namespace

std::string_view delivery_state_name(DeliveryState state) {
  return name_in(delivery_state_names, state);
}
std::optional<DeliveryState> parse_delivery_state(std::string_view name) {
  return value_in(delivery_state_names, name);
}
std::string_view submission_state_name(SubmissionState state) {
  return name_in(submission_state_names, state);
}
std::optional<SubmissionState> parse_submission_state(std::string_view name) {
  return value_in(submission_state_names, name);
}

SubmissionState fold_states(std::span<const DeliveryState> states) {
  if (states.empty()) throw std::logic_error("fold_states: a submission without deliveries");
  const auto any = [&](DeliveryState wanted) { return std::ranges::find(states, wanted) != states.end(); };
  if (any(DeliveryState::dead_letter)) return SubmissionState::dead_letter;
  if (any(DeliveryState::queued)) return SubmissionState::queued;
  if (!any(DeliveryState::discarded)) return SubmissionState::delivered;
  if (!any(DeliveryState::delivered)) return SubmissionState::discarded;
  return SubmissionState::partially_delivered;
}

}  // namespace relay
