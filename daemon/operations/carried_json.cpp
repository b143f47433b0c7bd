#include "operations/carried_json.hpp"

#include <algorithm>
#include <set>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "base/digest.hpp"
#include "intake/submission_json.hpp"
#include "submission/client_name.hpp"
#include "submission/media_type.hpp"

namespace relay {
namespace {

namespace json = boost::json;

constexpr std::string_view format_name = "edge-relay.export.v1";
constexpr std::size_t longest_name = 255;

// A reading that ends at the first thing that isn't as it should be.
struct NotAsWritten {};

const json::value& member(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr) throw NotAsWritten();
  return *value;
}

std::string text(const json::object& object, std::string_view name) {
  const auto& value = member(object, name);
  if (!value.is_string()) throw NotAsWritten();
  return std::string(value.as_string());
}

std::optional<std::string> text_or_null(const json::object& object, std::string_view name) {
  return member(object, name).is_null() ? std::nullopt : std::optional(text(object, name));
}

std::uint64_t count(const json::object& object, std::string_view name) {
  boost::system::error_code error;
  const auto& value = member(object, name);
  const auto number = value.is_number() ? value.to_number<std::uint64_t>(error) : std::uint64_t{0};
  if (!value.is_number() || error) throw NotAsWritten();
  return number;
}

unsigned small_count(const json::object& object, std::string_view name) {
  const std::uint64_t number = count(object, name);
  if (number > 1'000'000'000) throw NotAsWritten();
  return static_cast<unsigned>(number);
}

bool flag(const json::object& object, std::string_view name) {
  const auto& value = member(object, name);
  if (!value.is_bool()) throw NotAsWritten();
  return value.as_bool();
}

template <class T>
T required(std::optional<T> value) {
  if (!value) throw NotAsWritten();
  return std::move(*value);
}

WallTime time(const json::object& object, std::string_view name) {
  return required(parse_rfc3339(text(object, name)));
}

const json::object& object_in(const json::value& value) {
  if (!value.is_object()) throw NotAsWritten();
  return value.as_object();
}

const json::array& array(const json::object& object, std::string_view name) {
  const auto& value = member(object, name);
  if (!value.is_array()) throw NotAsWritten();
  return value.as_array();
}

DeliveryError read_error(const json::object& object) {
  DeliveryError error;
  error.kind = required(parse_error_kind(text(object, "kind")));
  if (!member(object, "status").is_null()) error.status = static_cast<int>(small_count(object, "status"));
  error.message = text(object, "message");
  error.remote_text = text_or_null(object, "remote_text").value_or("");
  return error;
}

AttemptRecord read_attempt(const json::object& object) {
  AttemptRecord attempt;
  attempt.number = small_count(object, "number");
  attempt.started_at = time(object, "started_at");
  attempt.ended_at = time(object, "ended_at");
  attempt.outcome = required(parse_outcome(text(object, "outcome")));
  attempt.counted = flag(object, "counted");
  if (!member(object, "error").is_null()) attempt.error = read_error(object_in(member(object, "error")));
  for (const auto& [key, value] : object_in(member(object, "receipt"))) {
    if (!value.is_string()) throw NotAsWritten();
    attempt.receipt[std::string(key)] = std::string(value.as_string());
  }
  return attempt;
}

DeliveryView read_delivery(const json::object& object) {
  DeliveryView delivery;
  delivery.destination = text(object, "destination");
  if (delivery.destination.empty() || delivery.destination.size() > longest_name) throw NotAsWritten();
  delivery.state = required(parse_delivery_state(text(object, "state")));
  if (delivery.state != DeliveryState::queued && delivery.state != DeliveryState::dead_letter) throw NotAsWritten();
  delivery.resends = small_count(object, "resends");
  delivery.possibly_delivered = flag(object, "possibly_delivered");
  unsigned last = 0;
  unsigned counted = 0;
  for (const auto& item : array(object, "history")) {
    delivery.history.push_back(read_attempt(object_in(item)));
    if (delivery.history.back().number <= last) throw NotAsWritten();
    last = delivery.history.back().number;
    counted += delivery.history.back().counted ? 1 : 0;
  }
  // Those of another destination, before it was redirected, aren't among them.
  delivery.attempts = std::min(small_count(object, "attempts"), counted);
  return delivery;
}

CarriedDescription read_description(const json::object& object) {
  if (text(object, "format") != format_name) throw NotAsWritten();
  CarriedDescription described;
  Submission& submission = described.submission;
  submission.id = required(Uuid::parse(text(object, "id")));
  submission.client = text(object, "client");
  if (!is_client_name(submission.client)) throw NotAsWritten();
  submission.content_type = text(object, "content_type");
  if (!parse_media_type(submission.content_type)) throw NotAsWritten();
  submission.content_type_parameters = text(object, "content_type_parameters");
  if (object.contains("query_parameters")) submission.query_parameters = text(object, "query_parameters");
  submission.payload_name = text_or_null(object, "payload_name");
  submission.intake = Intake::import;
  submission.size = {count(object, "size")};
  const std::string digest = required(hex_decode(text(object, "sha256")));
  if (digest.size() != submission.sha256.bytes.size()) throw NotAsWritten();
  std::copy(digest.begin(), digest.end(), submission.sha256.bytes.begin());
  submission.accepted_at = time(object, "accepted_at");
  std::set<std::string> destinations;
  for (const auto& item : array(object, "deliveries")) {
    described.deliveries.push_back(read_delivery(object_in(item)));
    if (!destinations.insert(described.deliveries.back().destination).second) throw NotAsWritten();
  }
  if (described.deliveries.empty()) throw NotAsWritten();
  described.payload_lost = !member(object, "payload_lost").is_null();
  return described;
}

bool undelivered(const DeliveryView& delivery) {
  return delivery.state == DeliveryState::queued || delivery.state == DeliveryState::dead_letter;
}

}  // namespace

std::string carried_json(const SubmissionView& view, std::string_view payload_lost) {
  const SubmissionJsonOptions all{.payload_name = true, .remote_text = true, .receipt = true, .history = true};
  JsonText json;
  json.begin_object();
  write_submission_members(json, view, all);
  json.key("deliveries");
  json.begin_array();
  for (const DeliveryView& delivery : view.deliveries) {
    if (!undelivered(delivery)) continue;
    json.begin_object();
    write_delivery_members(json, delivery, all);
    json.key("possibly_delivered");
    json.boolean(delivery.possibly_delivered);
    json.end_object();
  }
  json.end_array();
  json.key("format");
  json.string(format_name);
  json.key("content_type_parameters");
  json.string(view.submission.content_type_parameters);
  if (!view.submission.query_parameters.empty()) {
    json.key("query_parameters");
    json.string(view.submission.query_parameters);
  }
  json.key("payload_lost");
  payload_lost.empty() ? json.null() : json.string(payload_lost);
  json.end_object();
  return json.take() + "\n";
}

Result<CarriedDescription> parse_carried_json(std::string_view text) {
  boost::system::error_code error;
  const auto value = json::parse(text, error);
  if (error) return fail("the description of a submission isn't JSON");
  try {
    return read_description(object_in(value));
  } catch (const NotAsWritten&) {
    return fail("the description of a submission isn't one that `edge-relay export` has written");
  }
}

}  // namespace relay
