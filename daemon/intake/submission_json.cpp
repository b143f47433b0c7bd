#include "intake/submission_json.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "base/clock.hpp"

namespace relay {
namespace {

namespace json = boost::json;

// So many members they have at most: reserved at once.
constexpr std::size_t submission_members = 11;
constexpr std::size_t largest_delivery = 13;

json::value text_or_null(const std::optional<std::string>& text, const json::storage_ptr& storage) {
  return text ? json::value(*text, storage) : json::value(nullptr, storage);
}

json::value time_or_null(const std::optional<WallTime>& time, const json::storage_ptr& storage) {
  return time ? json::value(format_rfc3339(*time), storage) : json::value(nullptr, storage);
}

json::value error_json(const std::optional<DeliveryError>& error, bool remote_text, const json::storage_ptr& storage) {
  if (!error) return json::value(nullptr, storage);
  json::object object(storage);
  object["kind"] = error_kind_name(error->kind);
  object["status"] = error->status ? json::value(*error->status) : json::value(nullptr);
  object["message"] = error->message;
  if (remote_text) {
    object["remote_text"] = error->remote_text.empty() ? json::value(nullptr) : json::value(error->remote_text);
  }
  return object;
}

json::object receipt_json(const Receipt& receipt, const json::storage_ptr& storage) {
  json::object object(storage);
  for (const auto& [key, value] : receipt) object[key] = value;
  return object;
}

json::array history_json(const DeliveryView& delivery, const SubmissionJsonOptions& options,
                         const json::storage_ptr& storage) {
  json::array history(storage);
  for (const AttemptRecord& attempt : delivery.history) {
    json::object object(storage);
    object["number"] = attempt.number;
    object["started_at"] = format_rfc3339(attempt.started_at);
    object["ended_at"] = format_rfc3339(attempt.ended_at);
    object["outcome"] = outcome_name(attempt.outcome);
    object["counted"] = attempt.counted;
    object["error"] = error_json(attempt.error, options.remote_text, storage);
    object["receipt"] = receipt_json(attempt.receipt, storage);
    // Only where it wasn't this one: before a redirect.
    if (attempt.other_destination) object["destination"] = *attempt.other_destination;
    history.push_back(std::move(object));
  }
  return history;
}

json::object delivery_json(const DeliveryView& delivery, const SubmissionJsonOptions& options,
                           const json::storage_ptr& storage) {
  json::object object(storage);
  object.reserve(largest_delivery);
  object["destination"] = delivery.destination;
  object["state"] = delivery_state_name(delivery.state);
  object["attempts"] = delivery.attempts;
  object["last_attempt_at"] = time_or_null(delivery.last_attempt_at, storage);
  object["next_attempt_at"] = time_or_null(delivery.next_attempt_at, storage);
  object["last_error"] = error_json(delivery.last_error, options.remote_text, storage);
  object["delivered_at"] = time_or_null(delivery.delivered_at, storage);
  object["confirmation"] = delivery.confirmation;
  if (!delivery.overall_status.empty()) object["overall_status"] = delivery.overall_status;
  if (options.receipt) object["receipt"] = receipt_json(delivery.receipt, storage);
  if (options.history) {
    object["resends"] = delivery.resends;
    if (delivery.waits_for) object["waits_for"] = delivery.waits_for->text();
    if (options.remote_text) object["discard_reason"] = text_or_null(delivery.discard_reason, storage);
    object["history"] = history_json(delivery, options, storage);
  }
  return object;
}

}  // namespace

json::object submission_json(const SubmissionView& view, const SubmissionJsonOptions& options,
                             const json::storage_ptr& storage) {
  const Submission& submission = view.submission;
  json::object object(storage);
  object.reserve(submission_members);
  object["id"] = submission.id.text();
  object["state"] = submission_state_name(view.state);
  object["client"] = submission.client;
  object["content_type"] = submission.content_type;
  object["payload_name"] = text_or_null(options.payload_name ? submission.payload_name : std::nullopt, storage);
  object["intake"] = intake_name(submission.intake);
  object["size"] = submission.size.value;
  object["sha256"] = submission.sha256.hex();
  object["accepted_at"] = format_rfc3339(submission.accepted_at);
  object["repeats"] = view.repeats;
  json::array deliveries(storage);
  deliveries.reserve(view.deliveries.size());
  for (const DeliveryView& delivery : view.deliveries) deliveries.push_back(delivery_json(delivery, options, storage));
  object["deliveries"] = std::move(deliveries);
  return object;
}

}  // namespace relay
