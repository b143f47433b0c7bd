#include "destinations/reportstream_requests.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "base/utf8.hpp"
#include "destinations/json_answer.hpp"
#include "destinations/text_encoding.hpp"

namespace relay {
namespace {

namespace json = boost::json;

constexpr std::size_t longest_name = 1024;
constexpr unsigned page_size = 100;
// Warnings about a large batch can make a long answer, which has to be read whole to be known as a success.
constexpr ByteCount answer_limit = mebibytes(16);

// At most so many bytes, ending with a whole character.
std::string cut(std::string text, std::size_t most) {
  if (text.size() <= most) return text;
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text;
}

}  // namespace

std::string reportstream_client(const ReportStreamSettings& settings, const Submission& submission) {
  return settings.client.empty() ? submission.client : settings.client;
}

std::string reportstream_payload_name(const Submission& submission) {
  if (!submission.payload_name || submission.payload_name->empty()) return submission.id.text();
  return cut(without_controls(as_utf8(*submission.payload_name)), longest_name) + "~" + submission.id.text();
}

HttpClientRequest submit_request(const ReportStreamSettings& settings, const Submission& submission,
                                 std::shared_ptr<HttpBodySource> body) {
  HttpClientRequest request;
  request.method = "POST";
  const bool with_token = std::holds_alternative<PrivateKeyJwtSettings>(settings.auth);
  request.url = settings.url + (with_token ? "/api/waters" : "/api/reports");
  // As the sender asked for it at our own /api/waters; encoded there.
  if (!submission.query_parameters.empty()) request.url += '?' + submission.query_parameters;
  request.headers = {{"client", reportstream_client(settings, submission)},
                     {"Content-Type", settings.content_type.empty() ? submission.content_type : settings.content_type},
                     {"payloadName", reportstream_payload_name(submission)}};
  request.body = std::move(body);
  request.response_limit = answer_limit;
  return request;
}

HttpClientRequest list_request(const ReportStreamSettings& settings, const std::string& client, WallTime since,
                               const std::string& cursor) {
  HttpClientRequest request;
  request.url = settings.url + "/api/waters/org/" + percent_encode(client) +
                "/submissions?since=" + percent_encode(format_rfc3339(since)) +
                "&showfailed=true&pageSize=" + std::to_string(page_size);
  if (!cursor.empty()) request.url += "&cursor=" + percent_encode(cursor);
  request.headers = {{"Accept", "application/json"}};
  request.response_limit = answer_limit;
  return request;
}

HttpClientRequest history_request(const ReportStreamSettings& settings, const std::string& report_id) {
  HttpClientRequest request;
  request.url = settings.url + "/api/waters/report/" + percent_encode(report_id) + "/history";
  request.headers = {{"Accept", "application/json"}};
  request.response_limit = answer_limit;
  return request;
}

std::optional<std::vector<ListedSubmission>> read_submission_list(const std::string& body) {
  boost::system::error_code problem;
  const json::value parsed = json::parse(body, problem);
  if (problem || !parsed.is_array()) return std::nullopt;
  std::vector<ListedSubmission> rows;
  for (const json::value& value : parsed.get_array()) {
    if (!value.is_object()) return std::nullopt;
    const json::object& object = value.get_object();
    const std::string status = json_text(object, "httpStatus");
    rows.push_back({json_text(object, "id"), json_text(object, "submissionId"), json_text(object, "externalName"),
                    json_text(object, "timestamp"), status.size() == 3 && status.front() == '2'});
  }
  return rows;
}

}  // namespace relay
