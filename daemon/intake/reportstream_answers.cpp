#include "intake/reportstream_answers.hpp"

#include <algorithm>
#include <boost/json/array.hpp>

#include "base/clock.hpp"
#include "submission/media_type.hpp"

namespace relay {
namespace {

namespace json = boost::json;

const DeliveryView* first_of(const SubmissionView& view, std::string_view confirmation) {
  const auto found = std::ranges::find(view.deliveries, confirmation, &DeliveryView::confirmation);
  return found == view.deliveries.end() ? nullptr : &*found;
}

// Of a delivered one, what the destinations that can be asked have said since; the others have nothing to add.
std::string_view said_later(const SubmissionView& view) {
  if (const auto* failed = first_of(view, "failed")) {
    return failed->overall_status.empty() ? "Error" : std::string_view(failed->overall_status);
  }
  if (const auto* pending = first_of(view, "pending")) {
    const std::string_view said = pending->overall_status;
    return said.empty() || said == "Received" ? "Waiting to Deliver" : said;
  }
  return first_of(view, "confirmed") != nullptr ? "Delivered" : "Waiting to Deliver";
}

json::array errors_of(const SubmissionView& view) {
  json::array errors;
  for (const DeliveryView& delivery : view.deliveries) {
    if (delivery.state != DeliveryState::dead_letter || !delivery.last_error) continue;
    errors.push_back(json::object{{"scope", "report"}, {"message", delivery.last_error->message}});
  }
  return errors;
}

}  // namespace

std::string_view reportstream_status(const SubmissionView& view) {
  switch (view.state) {
    case SubmissionState::queued:
      return "Received";
    case SubmissionState::dead_letter:
      return "Error";
    case SubmissionState::discarded:
      return "Not Delivering";
    case SubmissionState::partially_delivered:
      return "Partially Delivered";
    case SubmissionState::delivered:
      break;
  }
  return said_later(view);
}

std::uint64_t reportstream_submission_id(const SubmissionId& id) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 6; ++i) number = number << 8 | id.bytes[i];
  // Behind the milliseconds stand four bits of version, then twelve that tell ids of one millisecond apart.
  number = number << 12 | (id.bytes[6] & 0x0FU) << 8 | id.bytes[7];
  return number & ((1ULL << 53) - 1);
}

json::object reportstream_json(const SubmissionView& view, std::string_view overall_status, bool payload_name,
                               unsigned http_status) {
  const Submission& submission = view.submission;
  const std::string id = submission.id.text();
  const json::array errors = errors_of(view);
  json::object object;
  object["id"] = id;
  object["submissionId"] = reportstream_submission_id(submission.id);
  object["overallStatus"] = overall_status;
  object["timestamp"] = format_rfc3339(submission.accepted_at);
  object["plannedCompletionAt"] = nullptr;
  object["actualCompletionAt"] = nullptr;
  object["sender"] = submission.client;
  object["reportItemCount"] = nullptr;  // items aren't counted here
  object["errorCount"] = errors.size();
  object["warningCount"] = 0;
  object["httpStatus"] = http_status;
  object["destinations"] = json::array();
  object["actionName"] = "receive";
  object["externalName"] =
      payload_name && submission.payload_name ? json::value(*submission.payload_name) : json::value(nullptr);
  object["reportId"] = id;
  object["topic"] = "full-elr";
  object["errors"] = errors;
  object["warnings"] = json::array();
  object["destinationCount"] = 0;
  object["fileName"] = id + std::string(extension_of(submission.content_type));
  return object;
}

}  // namespace relay
