#include "operations/admin_api.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "base/await_callback.hpp"
#include "base/log.hpp"
#include "intake/http_answer.hpp"
#include "intake/intake_description.hpp"
#include "intake/submission_json.hpp"
#include "operations/admin_target.hpp"
#include "operations/health_json.hpp"
#include "operations/metrics.hpp"
#include "operations/operator_description.hpp"
#include "operations/status_page.hpp"
#include "operations/submission_query.hpp"

namespace relay {
namespace {

namespace json = boost::json;

// The operations thread does nothing else meanwhile.
constexpr std::chrono::milliseconds longest_listing{100};
// Metrics don't wait longer for the disk; then they are of the commit before.
constexpr std::chrono::seconds longest_saving{1};
constexpr std::chrono::milliseconds look_for_saved{2};

HttpResponse text_answer(unsigned status, std::string_view content_type, std::string body) {
  HttpResponse response;
  response.status = status;
  response.fields = {{"Content-Type", std::string(content_type)}};
  response.body = std::move(body);
  return response;
}

HttpResponse not_found() {
  return problem_response({ProblemName::not_found, "There is nothing at this path."});
}

HttpResponse no_submission() {
  return problem_response(
      {ProblemName::not_found,
       "There is no submission of that id. Its record may have been erased (journal.keep_record)."});
}

HttpResponse method_not_allowed(std::string_view allowed) {
  RequestProblem problem{ProblemName::method_not_allowed, "This takes another method; see Allow."};
  problem.fields = {{"Allow", std::string(allowed)}};
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
                   std::string submit_client, RunningDestinations& destinations, AdminAccess access)
    : overview_(overview),
      journal_(journal),
      clock_(clock),
      access_(std::move(access)),
      submissions_({Intake::submit, std::move(submit_client), true}, receiver, journal),
      operators_(journal, destinations, clock),
      carrying_(journal) {}

boost::asio::awaitable<HttpResponse> AdminApi::handle(const HttpRequestHead& head, HttpBody& body) {
  auto who = access_.who(head);
  if (!who) co_return problem_response(who.error());
  const auto target = admin_target(head.path);
  if (!target) co_return not_found();
  if (!*who && for_operators_alone(target->resource, head.method)) {
    co_return problem_response(AdminAccess::operators_alone());
  }
  const std::string_view methods =
      *who || for_operators_alone(target->resource, "GET")
          ? allowed_methods(target->resource)
          : allowed_methods(target->resource).substr(0, std::string_view("GET, HEAD").size());
  const bool known_method = head.method == "GET" || head.method == "HEAD" || head.method == "POST";
  if (!known_method || methods.find(head.method) == std::string_view::npos) co_return method_not_allowed(methods);
  if (head.method == "POST") co_return co_await change(*target, **who, head, body);
  if (target->resource == AdminResource::export_archive) co_return carrying_.hand_out(std::move(**who));
  if (target->resource == AdminResource::metrics) co_return co_await metrics();
  co_return show(*target, head, who->has_value());
}

boost::asio::awaitable<HttpResponse> AdminApi::change(const AdminTarget& target, const Operator& by,
                                                      const HttpRequestHead& head, HttpBody& body) {
  switch (target.resource) {
    case AdminResource::submissions:
      co_return co_await submissions_.post(head, body);
    case AdminResource::retry:
      co_return co_await operators_.act(SubmissionAction::retry, *target.id, by, body);
    case AdminResource::resend:
      co_return co_await operators_.act(SubmissionAction::resend, *target.id, by, body);
    case AdminResource::set_aside:
      co_return co_await operators_.act(SubmissionAction::set_aside, *target.id, by, body);
    case AdminResource::discard:
      co_return co_await operators_.act(SubmissionAction::discard, *target.id, by, body);
    case AdminResource::pause:
      co_return co_await operators_.pause(target.destination, true, by, body);
    case AdminResource::resume:
      co_return co_await operators_.pause(target.destination, false, by, body);
    case AdminResource::redirect:
      co_return co_await operators_.redirect(target.destination, by, body);
    case AdminResource::retry_all:
      co_return co_await operators_.act_on_all(SubmissionAction::retry, by, body);
    case AdminResource::resend_all:
      co_return co_await operators_.act_on_all(SubmissionAction::resend, by, body);
    case AdminResource::reload:
      co_return co_await reload(by);
    case AdminResource::import_archive:
      co_return co_await carrying_.take_in(by, body);
    default:
      co_return not_found();
  }
}

HttpResponse AdminApi::show(const AdminTarget& target, const HttpRequestHead& head, bool trusted) {
  switch (target.resource) {
    case AdminResource::live:
      return json_response(200, {{"status", "ok"}});
    case AdminResource::ready:
      return ready();
    case AdminResource::health:
      return health(head, trusted);
    case AdminResource::status:
      return json_response(200, status_json(overview_.look().health, overview_.rates(), {.remote_text = trusted}));
    case AdminResource::page:
      return page();
    case AdminResource::submissions:
      return list(head, trusted);
    case AdminResource::submission:
      return submission(*target.id, trusted);
    case AdminResource::payload:
      return payload(*target.id);
    case AdminResource::description:
      return text_answer(200, description_content_type, std::string(operator_description()));
    case AdminResource::audit:
      return operators_.audit(head, trusted);
    default:
      return not_found();
  }
}

boost::asio::awaitable<HttpResponse> AdminApi::reload(const Operator& by) {
  const auto outcome =
      co_await await_callback<ReloadOutcome>([this](auto done) { reloads_->request(std::move(done)); });
  if (outcome.problems.empty()) {
    // That there is another configuration, and which, is noted where it is taken over.
    journal_.operator_actions().note({"reload", by, std::nullopt, std::nullopt, "", 0},
                                     [](const Result<ActionDone, ActionRefusal>& noted) {
                                       if (!noted.ok()) log_error("the audit lacks a reload: it couldn't be saved");
                                     });
    co_return json_response(200, {{"restart_needed", strings_json(outcome.restart_needed)}});
  }
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

// What was counted belongs to a commit, so that two answers of one commit are equal. Looked after rather than told: a
// writer that hangs may answer when nobody is left to be told.
boost::asio::awaitable<void> AdminApi::counts_saved() {
  const auto saved = std::make_shared<std::atomic<bool>>(false);
  if (!journal_.save_counts([saved] { *saved = true; })) co_return;
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  const MonotonicTime deadline = clock_.monotonic_now() + longest_saving;
  while (!*saved && clock_.monotonic_now() < deadline) {
    timer.expires_after(look_for_saved);
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
}

boost::asio::awaitable<HttpResponse> AdminApi::metrics() {
  co_await counts_saved();
  const Overview::Look look = overview_.look();
  if (!look.facts.snapshot) co_return journal_unreadable(look.facts.snapshot_error);
  co_return text_answer(200, metrics_content_type, metrics_text(look.facts, look.health));
}

HttpResponse AdminApi::page() {
  const Health health = overview_.look().health;
  const auto dead = journal_.list({.state = SubmissionState::dead_letter, .limit = dead_letters_on_the_page});
  HttpResponse response =
      text_answer(200, status_page_content_type,
                  status_page(health, overview_.rates(), dead ? dead->submissions : std::vector<SubmissionView>(),
                              clock_.wall_now()));
  response.fields.push_back({"Content-Security-Policy", status_page_policy()});
  response.fields.push_back({"X-Content-Type-Options", "nosniff"});
  response.fields.push_back({"Referrer-Policy", "no-referrer"});
  response.fields.push_back({"Cache-Control", "no-store"});
  return response;
}

HttpResponse AdminApi::list(const HttpRequestHead& head, bool trusted) {
  auto query = parse_submission_query(head, clock_.wall_now());
  if (!query) return problem_response(query.error());
  const std::size_t limit = query->limit;
  const std::optional<std::string> given_cursor = query->cursor;
  const MonotonicTime deadline = clock_.monotonic_now() + longest_listing;
  std::size_t listed = 0;
  std::optional<std::string> next_cursor;
  JsonText answer;
  answer.begin_object();
  answer.key("submissions");
  answer.begin_array();
  // A page of the journal looks at so many rows and may be short, where few of them match; several make one answer.
  do {
    const auto page = journal_.list(*query);
    if (!page && given_cursor && query->cursor == given_cursor) {
      return problem_response({ProblemName::malformed_request, "cursor isn't one that an earlier answer gave."});
    }
    if (!page) return journal_unreadable(page.error().message);
    for (const SubmissionView& view : page->submissions) {
      write_submission(answer, view,
                       {.payload_name = trusted, .remote_text = trusted, .receipt = false, .history = false});
    }
    listed += page->submissions.size();
    next_cursor = page->next_cursor;
    query->cursor = next_cursor;
    query->limit = limit - std::min(limit, listed);
  } while (query->limit > 0 && next_cursor && clock_.monotonic_now() < deadline);
  answer.end_array();
  answer.key("next_cursor");
  next_cursor ? answer.string(*next_cursor) : answer.null();
  answer.end_object();
  return json_text_response(200, answer.take());
}

HttpResponse AdminApi::submission(const SubmissionId& id, bool trusted) {
  const auto found = journal_.find(id, true);
  if (!found) return journal_unreadable(found.error().message);
  if (!*found) return no_submission();
  return json_text_response(
      200, submission_json((*found)->view,
                           {.payload_name = trusted, .remote_text = trusted, .receipt = true, .history = true}));
}

HttpResponse AdminApi::payload(const SubmissionId& id) {
  constexpr std::size_t piece = 256 * 1024;
  const auto found = journal_.find(id, false);
  if (!found) return journal_unreadable(found.error().message);
  if (!*found) return no_submission();
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
