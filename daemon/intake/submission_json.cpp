#include "intake/submission_json.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "base/clock.hpp"

namespace relay {
namespace {

namespace json = boost::json;

json::value text_or_null(const std::optional<std::string>& text) {
  return text ? json::value(*text) : json::value(nullptr);
}

json::value time_or_null(const std::optional<WallTime>& time) {
  return time ? json::value(format_rfc3339(*time)) : json::value(nullptr);
}

json::value error_json(const std::optional<DeliveryError>& error, bool remote_text) {
  if (!error) return nullptr;
  json::object object;
  object["kind"] = error_kind_name(error->kind);
  object["status"] = error->status ? json::value(*error->status) : json::value(nullptr);
  object["message"] = error->message;
  if (remote_text) {
    object["remote_text"] = error->remote_text.empty() ? json::value(nullptr) : json::value(error->remote_text);
  }
  return object;
}

json::object receipt_json(const Receipt& receipt) {
  json::object object;
  for (const auto& [key, value] : receipt) object[key] = value;
  return object;
}

json::array history_json(const DeliveryView& delivery, const SubmissionJsonOptions& options) {
  json::array history;
  for (const AttemptRecord& attempt : delivery.history) {
    json::object object;
    object["number"] = attempt.number;
    object["started_at"] = format_rfc3339(attempt.started_at);
    object["ended_at"] = format_rfc3339(attempt.ended_at);
    object["outcome"] = outcome_name(attempt.outcome);
    object["counted"] = attempt.counted;
    object["error"] = error_json(attempt.error, options.remote_text);
    object["receipt"] = receipt_json(attempt.receipt);
    // Only where it wasn't this one: before a redirect.
    if (attempt.other_destination) object["destination"] = *attempt.other_destination;
    history.push_back(std::move(object));
  }
  return history;
}

json::object delivery_json(const DeliveryView& delivery, const SubmissionJsonOptions& options) {
  json::object object;
  object["destination"] = delivery.destination;
  object["state"] = delivery_state_name(delivery.state);
  object["attempts"] = delivery.attempts;
  object["last_attempt_at"] = time_or_null(delivery.last_attempt_at);
  object["next_attempt_at"] = time_or_null(delivery.next_attempt_at);
  object["last_error"] = error_json(delivery.last_error, options.remote_text);
  object["delivered_at"] = time_or_null(delivery.delivered_at);
  object["confirmation"] = delivery.confirmation;
  if (!delivery.overall_status.empty()) object["overall_status"] = delivery.overall_status;
  if (options.receipt) object["receipt"] = receipt_json(delivery.receipt);
  if (options.history) {
    object["resends"] = delivery.resends;
    if (delivery.waits_for) object["waits_for"] = delivery.waits_for->text();
    if (options.remote_text) object["discard_reason"] = text_or_null(delivery.discard_reason);
    object["history"] = history_json(delivery, options);
  }
  return object;
}

}  // namespace

json::object submission_json(const SubmissionView& view, const SubmissionJsonOptions& options) {
  const Submission& submission = view.submission;
  json::object object;
  object["id"] = submission.id.text();
  object["state"] = submission_state_name(view.state);
  object["client"] = submission.client;
  object["content_type"] = submission.content_type;
  object["payload_name"] = options.payload_name ? text_or_null(submission.payload_name) : json::value(nullptr);
  object["intake"] = intake_name(submission.intake);
  object["size"] = submission.size.value;
  object["sha256"] = submission.sha256.hex();
  object["accepted_at"] = format_rfc3339(submission.accepted_at);
  object["repeats"] = view.repeats;
  json::array deliveries;
  deliveries.reserve(view.deliveries.size());
  for (const DeliveryView& delivery : view.deliveries) deliveries.push_back(delivery_json(delivery, options));
  object["deliveries"] = std::move(deliveries);
  return object;
}

}  // namespace relay
