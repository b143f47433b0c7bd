#include "operations/admin_api.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "base/await_callback.hpp"
#include "intake/http_answer.hpp"
#include "intake/intake_description.hpp"
#include "intake/submission_json.hpp"
#include "operations/health_json.hpp"
#include "operations/metrics.hpp"
#include "operations/operator_description.hpp"
#include "operations/submission_query.hpp"

namespace relay {
namespace {

namespace json = boost::json;

// The operations thread does nothing else meanwhile.
constexpr std::chrono::milliseconds longest_listing{100};

enum class Resource { live, ready, health, metrics, status, submissions, submission, payload, reload, description };

struct Target {
  Resource resource = Resource::live;
  std::optional<SubmissionId> id{};
};

// Nothing: there is no such thing.
std::optional<Target> target_of(std::string_view path) {
  static constexpr std::array<std::pair<std::string_view, Resource>, 8> fixed = {{
      {"/health/live", Resource::live},
      {"/health/ready", Resource::ready},
      {"/health", Resource::health},
      {"/metrics", Resource::metrics},
      {"/v1/status", Resource::status},
      {"/v1/submissions", Resource::submissions},
      {"/v1/reload", Resource::reload},
      {description_path, Resource::description},
  }};
  for (const auto& [name, resource] : fixed) {
    if (path == name) return Target{resource};
  }
  constexpr std::string_view prefix = "/v1/submissions/";
  constexpr std::string_view payload_suffix = "/payload";
  if (!path.starts_with(prefix)) return std::nullopt;
  path.remove_prefix(prefix.size());
  Resource resource = Resource::submission;
  if (path.ends_with(payload_suffix)) {
    resource = Resource::payload;
    path.remove_suffix(payload_suffix.size());
  }
  const auto id = Uuid::parse(path);
  if (!id) return std::nullopt;
  return Target{resource, id};
}

// What changes anything, and payloads, aren't for everyone who reaches the TCP listener.
bool for_operators_alone(Resource resource, std::string_view method) {
  return resource == Resource::payload || resource == Resource::reload ||
         (resource == Resource::submissions && method == "POST");
}

HttpResponse text_answer(unsigned status, std::string_view content_type, std::string body) {
  HttpResponse response;
  response.status = status;
  response.fields = {{"Content-Type", std::string(content_type)}};
  response.body = std::move(body);
  return response;
}

HttpResponse not_found() {
  return problem_response({ProblemName::not_found, "There is no such thing here."});
}

HttpResponse unauthenticated() {
  RequestProblem problem{ProblemName::unauthenticated,
                         "This is served over the operator socket, where file permissions decide who may."};
  problem.fields = {{"WWW-Authenticate", "Bearer"}};
  return problem_response(problem);
}

HttpResponse method_not_allowed(const char* allowed) {
  RequestProblem problem{ProblemName::method_not_allowed, "This takes another method; see Allow."};
  problem.fields = {{"Allow", allowed}};
  return problem_response(problem);
}

HttpResponse journal_unreadable(const std::string& message) {
  return problem_response(
      {ProblemName::journal_failing, "The journal can't be read: " + message, std::chrono::seconds(10)});
}

json::array strings_json(const std::vector<std::string>& texts) {
  return json::array(texts.begin(), texts.end());
}

bool flag_parameter(const HttpRequestHead& head, std::string_view name) {
  const auto value = head.query_parameter(name);
  return value == "1" || value == "true";
}

}  // namespace

AdminApi::AdminApi(Overview& overview, Journal& journal, Receiver& receiver, const Clock& clock,
                   std::string submit_client)
    : overview_(overview),
      journal_(journal),
      clock_(clock),
      submissions_({Intake::submit, std::move(submit_client), true}, receiver, journal) {}

boost::asio::awaitable<HttpResponse> AdminApi::handle(const HttpRequestHead& head, HttpBody& body) {
  const auto target = target_of(head.path);
  if (!target) co_return not_found();
  const bool trusted = head.peer.unix_socket;
  if (!trusted && for_operators_alone(target->resource, head.method)) co_return unauthenticated();
  if (target->resource == Resource::submissions && head.method == "POST") {
    co_return co_await submissions_.post(head, body);
  }
  if (target->resource == Resource::reload) {
    if (head.method != "POST") co_return method_not_allowed("POST");
    co_return co_await reload();
  }
  if (head.method != "GET" && head.method != "HEAD") {
    co_return method_not_allowed(target->resource == Resource::submissions && trusted ? "GET, HEAD, POST"
                                                                                      : "GET, HEAD");
  }
  switch (target->resource) {
    case Resource::live:
      co_return json_response(200, {{"status", "ok"}});
    case Resource::ready:
      co_return ready();
    case Resource::health:
      co_return health(head, trusted);
    case Resource::metrics:
      co_return metrics();
    case Resource::status:
      co_return json_response(200, status_json(overview_.look().health, overview_.rates(), {.remote_text = trusted}));
    case Resource::submissions:
      co_return list(head, trusted);
    case Resource::submission:
      co_return submission(*target->id, trusted);
    case Resource::payload:
      co_return payload(*target->id);
    case Resource::description:
      co_return text_answer(200, description_content_type, std::string(operator_description()));
    case Resource::reload:
      break;  // answered above
  }
  co_return not_found();
}

boost::asio::awaitable<HttpResponse> AdminApi::reload() {
  const auto outcome =
      co_await await_callback<ReloadOutcome>([this](auto done) { reloads_->request(std::move(done)); });
  if (outcome.problems.empty())
    co_return json_response(200, {{"restart_needed", strings_json(outcome.restart_needed)}});
  co_return json_response(422, {{"problems", strings_json(outcome.problems)}});
}

HttpResponse AdminApi::ready() {
  const Health health = overview_.look().health;
  return json_response(health.accepting ? 200 : 503, {{"ready", health.accepting}, {"summary", health.summary}});
}

HttpResponse AdminApi::health(const HttpRequestHead& head, bool trusted) {
  const Health health = overview_.look().health;
  const bool good =
      health.status == HealthStatus::ok || (health.status == HealthStatus::degraded && !flag_parameter(head, "strict"));
  return json_response(good ? 200 : 503, health_json(health, {.remote_text = trusted}));
}

HttpResponse AdminApi::metrics() {
  const Overview::Look look = overview_.look();
  if (!look.facts.snapshot) return journal_unreadable(look.facts.snapshot_error);
  return text_answer(200, metrics_content_type, metrics_text(look.facts, look.health));
}

HttpResponse AdminApi::list(const HttpRequestHead& head, bool trusted) {
  auto query = parse_submission_query(head, clock_.wall_now());
  if (!query) return problem_response(query.error());
  const std::size_t limit = query->limit;
  const std::optional<std::string> given_cursor = query->cursor;
  const MonotonicTime deadline = clock_.monotonic_now() + longest_listing;
  json::array submissions;
  std::optional<std::string> next_cursor;
  // A page of the journal looks at so many rows and may be short, where few of them match; several make one answer.
  do {
    const auto page = journal_.list(*query);
    if (!page && given_cursor && query->cursor == given_cursor) {
      return problem_response({ProblemName::malformed_request, "cursor isn't one that an earlier answer gave."});
    }
    if (!page) return journal_unreadable(page.error().message);
    for (const SubmissionView& view : page->submissions) {
      submissions.push_back(
          submission_json(view, {.payload_name = trusted, .remote_text = trusted, .receipt = false, .history = false}));
    }
    next_cursor = page->next_cursor;
    query->cursor = next_cursor;
    query->limit = limit - std::min(limit, submissions.size());
  } while (query->limit > 0 && next_cursor && clock_.monotonic_now() < deadline);
  return json_response(200, {{"submissions", std::move(submissions)},
                             {"next_cursor", next_cursor ? json::value(*next_cursor) : json::value(nullptr)}});
}

HttpResponse AdminApi::submission(const SubmissionId& id, bool trusted) {
  const auto found = journal_.find(id, true);
  if (!found) return journal_unreadable(found.error().message);
  if (!*found) return not_found();
  return json_response(
      200, submission_json((*found)->view,
                           {.payload_name = trusted, .remote_text = trusted, .receipt = true, .history = true}));
}

HttpResponse AdminApi::payload(const SubmissionId& id) {
  constexpr std::size_t piece = 256 * 1024;
  const auto found = journal_.find(id, false);
  if (!found) return journal_unreadable(found.error().message);
  if (!*found) return not_found();
  const Submission& submission = (*found)->view.submission;
  const auto source = journal_.payload_of(id);
  if (!source) return journal_unreadable(source.error().message);
  std::string bytes;
  bytes.reserve(submission.size.value);
  for (;;) {
    auto next = (*source)->read(bytes.size(), piece);
    if (!next && next.error().failure == PayloadFailure::erased) {
      return problem_response({ProblemName::wrong_state, "The payload is gone: " + next.error().message});
    }
    if (!next && next.error().failure == PayloadFailure::corrupt) {
      return problem_response({ProblemName::wrong_state, "The payload is corrupt: " + next.error().message});
    }
    if (!next) return journal_unreadable(next.error().message);
    if (next->empty()) break;
    bytes += *next;
  }
  const std::string digest(reinterpret_cast<const char*>(submission.sha256.bytes.data()),
                           submission.sha256.bytes.size());
  HttpResponse response = text_answer(200, submission.content_type, std::move(bytes));
  response.fields.push_back({"Content-Disposition", "attachment"});
  response.fields.push_back({"Content-Digest", "sha-256=:" + base64_encode(digest) + ":"});
  return response;
}

}  // namespace relay
