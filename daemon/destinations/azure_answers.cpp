#include "destinations/azure_answers.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace relay {
namespace {

constexpr std::size_t longest_code = 64;
constexpr std::size_t searched_for_code = 8 * 1024;

struct Row {
  unsigned status;
  std::string_view code;  // empty: any
  Outcome outcome;
  ErrorKind kind;
  std::string_view words;
};

// Rows with a code stand before their status's row without one.
constexpr std::array table = {
    Row{400, "MessageTooLarge", Outcome::refused, ErrorKind::too_large, "the message is larger than a queue takes"},
    Row{400, "RequestBodyTooLarge", Outcome::refused, ErrorKind::too_large,
        "the body is larger than the service takes"},
    Row{401, "", Outcome::broken, ErrorKind::sign_in, "the sign-in isn't taken: check the account's key or SAS"},
    Row{403, "AuthenticationFailed", Outcome::broken, ErrorKind::sign_in,
        "the sign-in isn't taken: check the account's key or SAS"},
    Row{403, "AccountIsDisabled", Outcome::broken, ErrorKind::forbidden, "the storage account is disabled"},
    Row{403, "", Outcome::broken, ErrorKind::forbidden,
        "this isn't allowed: check the key or SAS, its rights, and the account's network rules"},
    Row{404, "", Outcome::broken, ErrorKind::not_found, "there is no such thing: create it, or set create: true"},
    Row{408, "", Outcome::try_later, ErrorKind::timeout, "the service gave up waiting for the request"},
    Row{409, "QueueBeingDeleted", Outcome::broken, ErrorKind::not_found, "the queue is being deleted"},
    Row{409, "ContainerBeingDeleted", Outcome::broken, ErrorKind::not_found, "the container is being deleted"},
    Row{409, "TableBeingDeleted", Outcome::broken, ErrorKind::not_found, "the table is being deleted"},
    Row{409, "QueueDisabled", Outcome::broken, ErrorKind::forbidden, "the queue is disabled"},
    Row{409, "ContainerDisabled", Outcome::broken, ErrorKind::forbidden, "the container is disabled"},
    Row{410, "", Outcome::broken, ErrorKind::gone, "it is gone for good, says the service"},
    Row{413, "", Outcome::refused, ErrorKind::too_large, "the body is larger than the service takes"},
    Row{429, "", Outcome::try_later, ErrorKind::throttled, "too many requests for the service"},
    Row{503, "", Outcome::try_later, ErrorKind::unavailable, "the service is busy"},
    Row{511, "", Outcome::broken, ErrorKind::proxy, "the network wants a sign-in first (a portal)"},
};

Row row_of(AzureStep step, unsigned status, const std::string& code) {
  if (step == AzureStep::put_message && status == 400 && code == "InvalidXmlDocument")
    return {status, "", Outcome::refused, ErrorKind::refused, "the message's text can't be carried in XML"};
  for (const Row& row : table)
    if (row.status == status && (row.code.empty() || row.code == code)) return row;
  if (status >= 300 && status < 400)
    return {status, "", Outcome::broken, ErrorKind::redirect, "redirects are never followed: check the endpoint"};
  if (status >= 500 && status < 600)
    return {status, "", Outcome::try_later, ErrorKind::unavailable, "the service failed"};
  return {status, "", Outcome::broken, ErrorKind::unexpected_answer, "this answer isn't known"};
}

bool exists_already(AzureStep step, const std::string& code) {
  switch (step) {
    case AzureStep::insert_row:
      return code == "EntityAlreadyExists";
    case AzureStep::create_container:
      return code == "ContainerAlreadyExists";
    case AzureStep::create_table:
      return code == "TableAlreadyExists";
    case AzureStep::create_queue:
      return code == "QueueAlreadyExists";
    default:
      return false;
  }
}

bool is_json_object(std::string_view body) {
  const auto first = body.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && body[first] == '{';
}

// The step's own positive answer, recognised as such.
bool is_done(AzureStep step, const HttpClientResponse& response) {
  const unsigned status = response.status;
  if (is_web_page(response)) return false;
  switch (step) {
    case AzureStep::put_blob:
      return status == 201 && response.body.empty();
    case AzureStep::insert_row:
    case AzureStep::create_table:
      return (status == 204 && response.body.empty()) || (status == 201 && is_json_object(response.body));
    case AzureStep::put_message:
      return status == 201 && !xml_element_text(response.body, "MessageId").empty();
    case AzureStep::create_container:
      return status == 201 && response.body.empty();
    case AzureStep::create_queue:
      return (status == 201 || status == 204) && response.body.empty();
    case AzureStep::look_at_container:
    case AzureStep::look_at_queue:
      return status == 200 && response.body.empty();
    case AzureStep::look_at_table:
      return status == 200 && is_json_object(response.body);
  }
  return false;
}

Receipt receipt_of(AzureStep step, const HttpClientResponse& response) {
  Receipt receipt;
  if (step != AzureStep::put_message) return receipt;
  receipt["message_id"] = xml_element_text(response.body, "MessageId");
  for (const auto& [key, element] :
       {std::pair{"insertion_time", "InsertionTime"}, {"expiration_time", "ExpirationTime"}})
    if (const std::string_view text = xml_element_text(response.body, element); !text.empty()) receipt[key] = text;
  return receipt;
}

// What the other side said, cut, and without a signature that a proxy's error page may repeat from the URL.
std::string text_without_signature(const HttpClientResponse& response) {
  std::string text = remote_text_of(response);
  for (auto at = text.find("sig="); at != std::string::npos; at = text.find("sig=", at + 4)) {
    const auto end = std::min(text.find_first_of("&\"'<> \t\r\n", at + 4), text.size());
    text.replace(at + 4, end - at - 4, "...");
  }
  return text;
}

// Sharpens "the sign-in isn't taken" and "not for this": the clock, the SAS's time, the SAS's rights.
void name_the_cause(const AzureAnswerContext& context, const HttpClientResponse& response, ErrorKind& kind,
                    std::string& words) {
  const auto difference = clock_difference(response, context.now);
  if (difference && std::chrono::abs(*difference) > clock_tolerance) {
    kind = ErrorKind::clock;
    words = clock_words(*difference, "Azure's");
    return;
  }
  if (context.sas == nullptr) return;
  const WallTime their_now = difference ? context.now - *difference : context.now;
  if (const auto late = context.sas->out_of_time(their_now)) {
    kind = ErrorKind::sign_in;
    words = *late;
  } else if (const auto missing = context.sas->missing_right(context.step)) {
    kind = ErrorKind::forbidden;
    words = *missing;
  }
}

}  // namespace

std::string azure_error_code(const HttpClientResponse& response) {
  const auto is_code = [](std::string_view text) {
    return !text.empty() && text.size() <= longest_code &&
           std::all_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x80 && std::isalnum(c) != 0; });
  };
  const std::string_view header = response.header("x-ms-error-code").value_or("");
  if (is_code(header)) return std::string(header);
  const std::string_view body = std::string_view(response.body).substr(0, searched_for_code);
  const std::string_view element = xml_element_text(body, "Code");
  if (is_code(element)) return std::string(element);
  // {"odata.error":{"code":"…","message":{…}}}
  constexpr std::string_view key = "\"code\"";
  auto at = body.find(key);
  if (at == std::string_view::npos || !is_json_object(body)) return {};
  at = body.find_first_not_of(" \t\r\n:", at + key.size());
  if (at == std::string_view::npos || body[at] != '"') return {};
  const std::string_view value = body.substr(at + 1, longest_code + 1);
  const std::string_view text = value.substr(0, std::min(value.find('"'), value.size()));
  return is_code(text) ? std::string(text) : std::string();
}

AttemptResult classify_azure_answer(const AzureAnswerContext& context, const HttpClientResponse& response) {
  AttemptResult result;
  if (is_done(context.step, response)) {
    result.outcome = Outcome::accepted;
    result.receipt = receipt_of(context.step, response);
    return result;
  }
  const std::string code = azure_error_code(response);
  if (response.status == 409 && exists_already(context.step, code)) {
    result.outcome = Outcome::accepted;
    return result;
  }
  const Row row = row_of(context.step, response.status, code);
  ErrorKind kind = row.kind;
  std::string words(row.words);
  if (code.empty() && response.status < 405 && is_web_page(response)) {
    kind = response.status / 100 == 3 ? kind : ErrorKind::unexpected_answer;
    words = "a web page came instead of Azure's answer: something in between has answered";
  } else if (response.status / 100 == 2) {
    words = "this isn't the answer that the service gives when it is done";
  } else if (response.status == 401 || response.status == 403) {
    name_the_cause(context, response, kind, words);
  }
  result.outcome = row.outcome;
  if (row.outcome == Outcome::try_later) result.retry_after = retry_after_of(response, context.now);
  DeliveryError error = answer_error(response, kind, words, code);
  error.message.insert(0, context.resource + ": ");
  error.remote_text = text_without_signature(response);
  result.error = std::move(error);
  return result;
}

AttemptResult classify_azure_failure(const AzureAnswerContext& context, const TransferError& failure) {
  AttemptResult result;
  DeliveryError error;
  error.kind = error_kind_of(failure.failure);
  error.message = context.resource + ": " + failure.message;
  result.error = std::move(error);
  if (failure.failure == TransferFailure::body_failed) {
    result.outcome = Outcome::try_later;
  } else if (failure.request_sent) {
    result.outcome = Outcome::unknown;
    result.possibly_delivered = context.step == AzureStep::put_message;
  } else {
    result.outcome = Outcome::broken;
  }
  return result;
}

}  // namespace relay
