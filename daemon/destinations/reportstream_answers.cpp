#include "destinations/reportstream_answers.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "destinations/hl7_answer.hpp"
#include "destinations/http_answer.hpp"
#include "destinations/json_answer.hpp"

namespace relay {
namespace {

namespace json = boost::json;

constexpr std::string_view duplicates_text = "All items in this submission are duplicates.";
constexpr std::size_t errors_shown = 5;
constexpr std::chrono::hours partly_delivered_is_pending_for{24 * 7};

struct Row {
  unsigned status;
  Outcome outcome;
  ErrorKind kind;
  std::string_view words;
};
constexpr std::array table = {
    Row{400, Outcome::refused, ErrorKind::refused, "the submission isn't taken"},
    Row{401, Outcome::broken, ErrorKind::sign_in, "the sign-in isn't taken, not even a fresh one"},
    Row{403, Outcome::broken, ErrorKind::forbidden, "this isn't allowed: check the sender's rights there"},
    Row{404, Outcome::broken, ErrorKind::not_found, "there is no such thing: check url"},
    Row{407, Outcome::broken, ErrorKind::proxy, "the proxy wants a sign-in: check proxy_credentials"},
    Row{408, Outcome::unknown, ErrorKind::timeout, "the service gave up waiting; whether it took it isn't known"},
    Row{410, Outcome::broken, ErrorKind::gone,
        "the sender is inactive there: ask whether submissions go elsewhere now"},
    Row{413, Outcome::refused, ErrorKind::too_large, "the submission is larger than the service takes"},
    Row{415, Outcome::refused, ErrorKind::refused, "the content type isn't the one that the sender is set up with"},
    Row{422, Outcome::refused, ErrorKind::refused, "the submission isn't taken"},
    Row{429, Outcome::try_later, ErrorKind::throttled, "too many requests for the service"},
    Row{501, Outcome::broken, ErrorKind::unexpected_answer, "this answer isn't known"},
    Row{503, Outcome::try_later, ErrorKind::unavailable, "the service is busy"},
    Row{504, Outcome::unknown, ErrorKind::timeout, "no answer in time; whether it was taken isn't known"},
    Row{505, Outcome::broken, ErrorKind::unexpected_answer, "this answer isn't known"},
    Row{511, Outcome::broken, ErrorKind::proxy, "the network wants a sign-in first (a portal)"},
};

Row row_of(unsigned status) {
  for (const Row& row : table)
    if (row.status == status) return row;
  if (status >= 300 && status < 400)
    return {status, Outcome::broken, ErrorKind::redirect, "redirects are never followed: check url"};
  if (status >= 500 && status < 600)
    return {status, Outcome::unknown, ErrorKind::unavailable, "the service failed; whether it took it isn't known"};
  return {status, Outcome::broken, ErrorKind::unexpected_answer, "this answer isn't known"};
}

// ---- Success --------------------------------------------------------------------------------------------------------

// What is kept and shown: short and printable.
bool is_plain(std::string_view text, std::size_t longest) {
  return !text.empty() && text.size() <= longest &&
         std::ranges::all_of(text, [](unsigned char c) { return c > 0x20 && c < 0x7F; });
}

std::string plain_member(const json::object& object, const char* name) {
  const std::string text = json_text(object, name);
  return is_plain(text, 128) ? text : std::string();
}

// Nothing where it isn't ReportStream's own.
std::optional<Receipt> receipt_of(const HttpClientResponse& response) {
  const auto answer = json_object_of(response.body);
  if (!answer) return std::nullopt;
  std::string id = plain_member(*answer, "id");
  if (id.empty()) id = plain_member(*answer, "reportId");
  if (id.empty()) return std::nullopt;
  Receipt receipt{{"id", id}};
  if (const auto submission = plain_member(*answer, "submissionId"); !submission.empty())
    receipt["submissionId"] = submission;
  if (const auto location = response.header("location"); location && is_plain(*location, 2048))
    receipt["Location"] = *location;
  return receipt;
}

AttemptResult broken_success(const HttpClientResponse& response, const std::string& words) {
  AttemptResult result;
  result.outcome = Outcome::broken;
  result.error = answer_error(response, ErrorKind::unexpected_answer, words);
  return result;
}

AttemptResult classify_acknowledgement(const ReportStreamContext& context, const HttpClientResponse& response,
                                       const Hl7Answer& answer) {
  if (answer.control_id != context.control_id || context.control_id.empty())
    return broken_success(response, "the HL7 acknowledgement is of another message");
  AttemptResult result;
  if (answer.code == "AA" || answer.code == "CA") {
    result.outcome = Outcome::accepted;
    result.receipt["acknowledgement"] = answer.code;
    return result;
  }
  if (answer.code != "AE" && answer.code != "CE" && answer.code != "AR" && answer.code != "CR")
    return broken_success(response, "the HL7 acknowledgement has no code that is known");
  result.outcome = Outcome::refused;
  result.error = answer_error(response, ErrorKind::refused,
                              "the HL7 acknowledgement is " + answer.code + ": the submission isn't taken");
  return result;
}

AttemptResult classify_success(const ReportStreamContext& context, const HttpClientResponse& response) {
  if (response.status > 202) return broken_success(response, "this isn't the answer that ReportStream gives");
  if (is_web_page(response))
    return broken_success(response,
                          "a web page came instead of ReportStream's answer: something in between has answered");
  if (auto receipt = receipt_of(response)) {
    AttemptResult result;
    result.outcome = Outcome::accepted;
    result.receipt = std::move(*receipt);
    return result;
  }
  if (const auto answer = read_hl7_answer(response.body)) return classify_acknowledgement(context, response, *answer);
  return broken_success(response, "this isn't the answer that ReportStream gives");
}

// ---- Refusal --------------------------------------------------------------------------------------------------------

// Codes and paths are names out of ReportStream's own lists; anything that could be a value isn't shown.
bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 80 && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.' || c == '/' || c == '[' || c == ']' || c == '(' ||
           c == ')';
  });
}

std::string error_words(const json::object& error) {
  std::string words;
  const auto add = [&](std::string_view more) {
    if (!more.empty()) words += (words.empty() ? "" : " ") + std::string(more);
  };
  if (const auto code = json_text(error, "errorCode"); is_name(code)) add(code);
  if (const auto field = json_text(error, "field"); is_name(field)) add("field " + field);
  if (const json::value* indices = error.if_contains("indices"); indices != nullptr && indices->is_array()) {
    std::string numbers;
    for (const json::value& index : indices->get_array()) {
      if (!index.is_int64() || numbers.size() > 40) break;
      numbers += (numbers.empty() ? "" : ", ") + std::to_string(index.get_int64());
    }
    if (!numbers.empty()) add("item " + numbers);
  }
  return words;
}

// "INVALID_MSG_PARSE field MSH-9 item 1; …": what the body says without quoting it.
std::string named_errors(const HttpClientResponse& response) {
  const auto answer = json_object_of(response.body);
  if (!answer) return {};
  const json::value* errors = answer->if_contains("errors");
  if (errors == nullptr || !errors->is_array()) return {};
  std::string words;
  std::size_t shown = 0;
  for (const json::value& error : errors->get_array()) {
    if (!error.is_object()) continue;
    const std::string one = error_words(error.get_object());
    if (one.empty()) continue;
    if (++shown > errors_shown) return words + "; …";
    words += (words.empty() ? "" : "; ") + one;
  }
  return words;
}

}  // namespace

AttemptResult classify_reportstream_answer(const ReportStreamContext& context, const HttpClientResponse& response) {
  if (response.status >= 200 && response.status < 300) return classify_success(context, response);
  AttemptResult result;
  if (response.status == 400 && context.possibly_delivered &&
      response.body.find(duplicates_text) != std::string::npos) {
    result.outcome = Outcome::accepted;
    result.receipt["duplicate"] = "true";
    return result;
  }
  const Row row = row_of(response.status);
  result.outcome = row.outcome;
  std::string words(row.words);
  if (row.outcome == Outcome::refused) {
    if (const auto named = named_errors(response); !named.empty()) words += ": " + named;
  }
  result.error = answer_error(response, row.kind, words);
  result.possibly_delivered = row.outcome == Outcome::unknown;
  if (row.outcome == Outcome::try_later) result.retry_after = retry_after_of(response, context.now);
  return result;
}

std::optional<ReportStreamStatus> reportstream_status(const HttpClientResponse& response,
                                                      std::chrono::milliseconds since_delivery) {
  if (response.status != 200) return std::nullopt;
  const auto answer = json_object_of(response.body);
  if (!answer) return std::nullopt;
  const std::string status = json_text(*answer, "overallStatus");
  const bool pending = status == "Received" || status == "Valid" || status == "Waiting to Deliver";
  const bool failed = status == "Error" || status == "Not Delivering";
  if (pending) return ReportStreamStatus{Confirmation::pending, status};
  if (failed) return ReportStreamStatus{Confirmation::failed, status};
  if (status == "Delivered") return ReportStreamStatus{Confirmation::confirmed, status};
  if (status != "Partially Delivered") return std::nullopt;
  const bool still = since_delivery < partly_delivered_is_pending_for;
  return ReportStreamStatus{still ? Confirmation::pending : Confirmation::failed, status};
}

}  // namespace relay
