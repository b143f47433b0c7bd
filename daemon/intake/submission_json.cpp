#include "intake/submission_json.hpp"

#include "base/clock.hpp"

namespace relay {
namespace {

// Room for a submission with one delivery that has failed: one allocation for nearly every answer.
constexpr std::size_t usual_size = 1024;

void write_text_or_null(JsonText& json, const std::optional<std::string>& text) {
  text ? json.string(*text) : json.null();
}

void write_time_or_null(JsonText& json, const std::optional<WallTime>& time) {
  time ? json.string(format_rfc3339(*time)) : json.null();
}

void write_error(JsonText& json, const std::optional<DeliveryError>& error, bool remote_text) {
  if (!error) return json.null();
  json.begin_object();
  json.key("kind");
  json.string(error_kind_name(error->kind));
  json.key("status");
  error->status ? json.number(*error->status) : json.null();
  json.key("message");
  json.string(error->message);
  if (remote_text) {
    json.key("remote_text");
    error->remote_text.empty() ? json.null() : json.string(error->remote_text);
  }
  json.end_object();
}

void write_receipt(JsonText& json, const Receipt& receipt) {
  json.begin_object();
  for (const auto& [key, value] : receipt) {
    json.key_of_any_text(key);
    json.string(value);
  }
  json.end_object();
}

void write_attempt(JsonText& json, const AttemptRecord& attempt, bool remote_text) {
  json.begin_object();
  json.key("number");
  json.number(attempt.number);
  json.key("started_at");
  json.string(format_rfc3339(attempt.started_at));
  json.key("ended_at");
  json.string(format_rfc3339(attempt.ended_at));
  json.key("outcome");
  json.string(outcome_name(attempt.outcome));
  json.key("counted");
  json.boolean(attempt.counted);
  json.key("error");
  write_error(json, attempt.error, remote_text);
  json.key("receipt");
  write_receipt(json, attempt.receipt);
  if (attempt.other_destination) {  // only where it wasn't this one: before a redirect
    json.key("destination");
    json.string(*attempt.other_destination);
  }
  json.end_object();
}

void write_history(JsonText& json, const DeliveryView& delivery, bool remote_text) {
  json.key("resends");
  json.number(delivery.resends);
  if (delivery.waits_for) {
    json.key("waits_for");
    json.string(delivery.waits_for->text());
  }
  if (remote_text) {
    json.key("discard_reason");
    write_text_or_null(json, delivery.discard_reason);
  }
  json.key("history");
  json.begin_array();
  for (const AttemptRecord& attempt : delivery.history) write_attempt(json, attempt, remote_text);
  json.end_array();
}

}  // namespace

void write_delivery_members(JsonText& json, const DeliveryView& delivery, const SubmissionJsonOptions& options) {
  json.key("destination");
  json.string(delivery.destination);
  json.key("state");
  json.string(delivery_state_name(delivery.state));
  json.key("attempts");
  json.number(delivery.attempts);
  json.key("last_attempt_at");
  write_time_or_null(json, delivery.last_attempt_at);
  json.key("next_attempt_at");
  write_time_or_null(json, delivery.next_attempt_at);
  json.key("last_error");
  write_error(json, delivery.last_error, options.remote_text);
  json.key("delivered_at");
  write_time_or_null(json, delivery.delivered_at);
  json.key("confirmation");
  json.string(delivery.confirmation);
  if (!delivery.overall_status.empty()) {
    json.key("overall_status");
    json.string(delivery.overall_status);
  }
  if (options.receipt) {
    json.key("receipt");
    write_receipt(json, delivery.receipt);
  }
  if (options.history) write_history(json, delivery, options.remote_text);
}

void write_deliveries_member(JsonText& json, const SubmissionView& view, const SubmissionJsonOptions& options) {
  json.key("deliveries");
  json.begin_array();
  for (const DeliveryView& delivery : view.deliveries) {
    json.begin_object();
    write_delivery_members(json, delivery, options);
    json.end_object();
  }
  json.end_array();
}

void write_submission_members(JsonText& json, const SubmissionView& view, const SubmissionJsonOptions& options) {
  const Submission& submission = view.submission;
  json.key("id");
  json.string(submission.id.text());
  json.key("state");
  json.string(submission_state_name(view.state));
  json.key("client");
  json.string(submission.client);
  json.key("content_type");
  json.string(submission.content_type);
  json.key("payload_name");
  write_text_or_null(json, options.payload_name ? submission.payload_name : std::nullopt);
  json.key("intake");
  json.string(intake_name(submission.intake));
  json.key("size");
  json.number(static_cast<std::int64_t>(submission.size.value));
  json.key("sha256");
  json.string(submission.sha256.hex());
  json.key("accepted_at");
  json.string(format_rfc3339(submission.accepted_at));
  json.key("repeats");
  json.number(view.repeats);
}

void write_submission(JsonText& json, const SubmissionView& view, const SubmissionJsonOptions& options) {
  json.begin_object();
  write_submission_members(json, view, options);
  write_deliveries_member(json, view, options);
  json.end_object();
}

std::string submission_json(const SubmissionView& view, const SubmissionJsonOptions& options) {
  JsonText json;
  json.reserve(usual_size);
  write_submission(json, view, options);
  return json.take();
}

}  // namespace relay
