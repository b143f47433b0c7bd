#include "destinations/http_answer.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <stdexcept>

namespace relay {
namespace {

constexpr std::size_t remote_text_limit = 4 * 1024;
constexpr std::chrono::hours longest_retry_after{24};

bool starts_with_ignoring_case(std::string_view text, std::string_view lower_case_start) {
  return text.size() >= lower_case_start.size() &&
         std::equal(lower_case_start.begin(), lower_case_start.end(), text.begin(), [](char expected, char found) {
           return expected == static_cast<char>(std::tolower(static_cast<unsigned char>(found)));
         });
}

}  // namespace

bool is_web_page(const HttpClientResponse& response) {
  if (starts_with_ignoring_case(response.header("content-type").value_or(""), "text/html")) return true;
  std::string_view body = response.body;
  body.remove_prefix(std::min(body.find_first_not_of(" \t\r\n"), body.size()));
  return starts_with_ignoring_case(body, "<!doctype html") || starts_with_ignoring_case(body, "<html");
}

std::optional<std::chrono::milliseconds> retry_after_of(const HttpClientResponse& response, WallTime now) {
  const auto value = response.header("retry-after");
  if (!value || value->empty()) return std::nullopt;
  std::optional<std::chrono::milliseconds> wait;
  if (std::all_of(value->begin(), value->end(), [](unsigned char c) { return std::isdigit(c) != 0; })) {
    // More digits than a day has seconds would be capped anyway.
    wait = value->size() > 6 ? longest_retry_after : std::chrono::seconds(std::atoi(std::string(*value).c_str()));
  } else if (const auto until = parse_http_date(*value)) {
    // Counted from the answer's own Date, so that a wrong clock here doesn't count.
    const auto date = parse_http_date(response.header("date").value_or(""));
    wait = *until - date.value_or(now);
  }
  if (!wait) return std::nullopt;
  return std::clamp<std::chrono::milliseconds>(*wait, std::chrono::milliseconds(0), longest_retry_after);
}

std::optional<std::chrono::milliseconds> clock_difference(const HttpClientResponse& response, WallTime now) {
  const auto date = parse_http_date(response.header("date").value_or(""));
  if (!date) return std::nullopt;
  return now - *date;
}

std::string clock_words(std::chrono::milliseconds difference, std::string_view whose) {
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(std::chrono::abs(difference));
  return "clock is off by " + format_duration(minutes) + ": this machine is " +
         (difference.count() > 0 ? "ahead of " : "behind ") + std::string(whose) + " Date; set its clock";
}

ErrorKind error_kind_of(TransferFailure failure) {
  switch (failure) {
    case TransferFailure::dns:
      return ErrorKind::dns;
    case TransferFailure::tls:
      return ErrorKind::tls;
    case TransferFailure::proxy:
      return ErrorKind::proxy;
    case TransferFailure::timeout:
      return ErrorKind::timeout;
    case TransferFailure::body_failed:
      return ErrorKind::unavailable;
    case TransferFailure::unreachable:
    case TransferFailure::reset:
      return ErrorKind::unreachable;
  }
  throw std::logic_error("no such transfer failure");
}

DeliveryError answer_error(const HttpClientResponse& response, ErrorKind kind, const std::string& words,
                           const std::string& code) {
  DeliveryError error;
  error.kind = kind;
  error.status = static_cast<int>(response.status);
  error.message = "HTTP " + std::to_string(response.status) + (code.empty() ? "" : " " + code) + ": " + words;
  error.remote_text = remote_text_of(response);
  return error;
}

AttemptResult classify_failure(const TransferError& failure) {
  AttemptResult result;
  DeliveryError error;
  error.kind = error_kind_of(failure.failure);
  error.message = failure.message;
  result.error = std::move(error);
  result.outcome = failure.request_sent ? Outcome::unknown : Outcome::broken;
  result.possibly_delivered = failure.request_sent;
  return result;
}

std::string remote_text_of(const HttpClientResponse& response) {
  return response.body.substr(0, remote_text_limit);
}

}  // namespace relay
