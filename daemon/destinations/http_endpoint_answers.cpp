#include "destinations/http_endpoint_answers.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "destinations/http_answer.hpp"
#include "submission/media_type.hpp"

namespace relay {
namespace {

constexpr std::string_view html = "text/html";
constexpr std::size_t longest_location = 2048;

struct Row {
  unsigned status;
  Outcome outcome;
  ErrorKind kind;
  std::string_view words;
};
constexpr std::array table = {
    Row{401, Outcome::broken, ErrorKind::sign_in, "the sign-in isn't taken, not even a fresh one: check auth"},
    Row{403, Outcome::broken, ErrorKind::forbidden, "this isn't allowed: check what the sign-in may do there"},
    Row{404, Outcome::broken, ErrorKind::not_found, "there is no such thing: check url"},
    Row{407, Outcome::broken, ErrorKind::proxy, "the proxy wants a sign-in: check proxy_credentials"},
    Row{408, Outcome::unknown, ErrorKind::timeout, "the server gave up waiting; whether it took it isn't known"},
    Row{409, Outcome::try_later, ErrorKind::unavailable, "an earlier try may still be under way there"},
    Row{410, Outcome::broken, ErrorKind::gone, "nothing is taken there any more: check url"},
    Row{425, Outcome::try_later, ErrorKind::throttled, "too early for the server"},
    Row{429, Outcome::try_later, ErrorKind::throttled, "too many requests for the server"},
    Row{501, Outcome::broken, ErrorKind::unexpected_answer, "the server doesn't know this method: check method"},
    Row{503, Outcome::try_later, ErrorKind::unavailable, "the server is busy"},
    Row{504, Outcome::unknown, ErrorKind::timeout, "no answer in time; whether it was taken isn't known"},
    Row{505, Outcome::broken, ErrorKind::unexpected_answer, "this answer isn't known"},
    Row{511, Outcome::broken, ErrorKind::proxy, "the network wants a sign-in first (a portal)"},
};

Row row_of(unsigned status) {
  const auto found = std::ranges::find(table, status, &Row::status);
  if (found != table.end()) return *found;
  if (status >= 300 && status < 400)
    return {status, Outcome::broken, ErrorKind::redirect, "redirects are never followed: check url"};
  if (status >= 500 && status < 600)
    return {status, Outcome::unknown, ErrorKind::unavailable, "the server failed; whether it took it isn't known"};
  return {status, Outcome::broken, ErrorKind::unexpected_answer, "neither accept nor refuse names this answer"};
}

bool names(const std::vector<unsigned>& statuses, unsigned status) {
  return std::ranges::find(statuses, status) != statuses.end();
}

// Why an answer with the right status isn't the endpoint's own; empty where it is.
std::string_view what_is_wrong(const HttpSettings& settings, const HttpClientResponse& response) {
  if (is_web_page(response) && settings.accept_content_type != html)
    return "a web page came instead of the server's answer: something in between has answered";
  const auto type = parse_media_type(response.header("content-type").value_or(""));
  if (!settings.accept_content_type.empty() && (!type || type->type != settings.accept_content_type))
    return "the answer isn't of accept.content_type";
  if (response.body.find(settings.accept_body_contains) == std::string::npos)
    return "the answer doesn't hold the text of accept.body_contains";
  return {};
}

AttemptResult accepted(const HttpClientResponse& response) {
  AttemptResult result;
  result.outcome = Outcome::accepted;
  result.receipt["status"] = std::to_string(response.status);
  const auto location = response.header("location");
  const auto plain = [](unsigned char c) { return c > 0x20 && c < 0x7F; };
  if (location && !location->empty() && location->size() <= longest_location && std::ranges::all_of(*location, plain))
    result.receipt["location"] = *location;
  return result;
}

}  // namespace

AttemptResult classify_http_endpoint_answer(const HttpSettings& settings, const HttpClientResponse& response,
                                            WallTime now) {
  Row row = row_of(response.status);
  if (names(settings.accept_status, response.status)) {
    const std::string_view wrong = what_is_wrong(settings, response);
    if (wrong.empty()) return accepted(response);
    row = {response.status, Outcome::broken, ErrorKind::unexpected_answer, wrong};
  } else if (names(settings.refuse_status, response.status)) {
    const bool too_large = response.status == 413;
    row = {response.status, Outcome::refused, too_large ? ErrorKind::too_large : ErrorKind::refused,
           too_large ? "the submission is larger than the server takes" : "the submission isn't taken"};
  }
  AttemptResult result;
  result.outcome = row.outcome;
  result.error = answer_error(response, row.kind, std::string(row.words));
  result.possibly_delivered = row.outcome == Outcome::unknown;
  if (row.outcome == Outcome::try_later) result.retry_after = retry_after_of(response, now);
  return result;
}

}  // namespace relay
