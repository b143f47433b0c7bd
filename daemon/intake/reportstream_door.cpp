#include "intake/reportstream_door.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/await_callback.hpp"
#include "base/http_text.hpp"
#include "intake/http_answer.hpp"
#include "intake/reception.hpp"
#include "intake/reportstream_answers.hpp"
#include "intake/submission_json.hpp"
#include "journal/use_once.hpp"

namespace relay {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr std::string_view history_prefix = "/api/waters/report/";
constexpr std::string_view history_suffix = "/history";
constexpr std::size_t longest_form = 64 * 1024;

using Parameters = std::vector<FormParameter>;

std::string value_of(const Parameters& parameters, std::string_view name) {
  for (const FormParameter& each : parameters) {
    if (each.name == name) return each.value;
  }
  return {};
}

// What may stand in the query as well as in a header field.
bool is_a_field(std::string_view name) {
  return name == "client" || name == "client_id" || name == "payloadName";
}

bool keeps_nothing(std::string_view option) {
  return equal_ignoring_case(option, "ValidatePayload") || equal_ignoring_case(option, "CheckConnections");
}

RequestProblem option_problem() {
  return {ProblemName::malformed_request,
          "option=ValidatePayload and CheckConnections aren't known here: every report that is taken is delivered."};
}

std::string history_location(const HttpRequestHead& head, const SubmissionId& id) {
  std::string path = std::string(history_prefix) + id.text() + std::string(history_suffix);
  const auto host = head.field("Host");
  if (head.peer.unix_socket || !host || host->empty()) return path;
  return (head.peer.tls ? "https://" : "http://") + std::string(*host) + path;
}

// RFC 6749 section 5.2, with ReportStream's names for what is wrong.
HttpResponse token_refused(std::string_view problem) {
  const std::string_view error = problem == "invalid_scope" ? problem : "invalid_client";
  HttpResponse response = json_response(401, {{"error", error}, {"error_description", problem}});
  response.fields.push_back({"WWW-Authenticate", "Bearer"});
  return response;
}

asio::awaitable<std::optional<std::string>> whole_form(HttpBody& body) {
  std::string form;
  for (;;) {
    const auto piece = co_await body.read();
    if (!piece || form.size() + piece->size() > longest_form) co_return std::nullopt;
    if (piece->empty()) co_return form;
    form.append(*piece);
  }
}

// "<org>.*.report", "<org>.<sender>.report": of the client's own organization.
bool is_scope_of(std::string_view scope, std::string_view client) {
  const std::string_view organization = client.substr(0, client.find('.'));
  if (!scope.starts_with(organization) || !scope.substr(organization.size()).starts_with('.')) return false;
  if (!scope.ends_with(".report")) return false;
  scope.remove_suffix(std::string_view(".report").size());
  return scope == client || scope == std::string(organization) + ".*" ||
         scope == std::string(organization) + ".default";
}

}  // namespace

bool is_report_path(std::string_view path) {
  return path == "/api/reports" || path == "/api/waters" || path == "/api/v1/reports";
}

std::optional<SubmissionId> report_id_in_history_path(std::string_view path) {
  if (path.size() <= history_prefix.size() + history_suffix.size() || !path.starts_with(history_prefix) ||
      !path.ends_with(history_suffix)) {
    return std::nullopt;
  }
  path.remove_prefix(history_prefix.size());
  path.remove_suffix(history_suffix.size());
  return Uuid::parse(path);
}

Result<std::string, RequestProblem> passed_on_parameters(const HttpRequestHead& head) {
  const auto parameters = form_parameters(head.query);
  if (!parameters) {
    return Failure{RequestProblem{ProblemName::malformed_request, "The query can't be decoded."}};
  }
  if (std::ranges::any_of(head.all("option"), keeps_nothing)) return Failure{option_problem()};
  std::string passed_on;
  for (const auto& [name, value] : *parameters) {
    if (name == "option" && keeps_nothing(value)) return Failure{option_problem()};
    if (is_a_field(name) || name == "code") continue;
    passed_on += (passed_on.empty() ? "" : "&") + form_encoded(name) + '=' + form_encoded(value);
  }
  return passed_on;
}

asio::awaitable<HttpResponse> post_report(SubmissionRequests& requests, HttpRequestHead head, HttpBody& body,
                                          SubmissionDoor door, unsigned success_status) {
  auto passed_on = passed_on_parameters(head);
  if (!passed_on) co_return requests.refuse(passed_on.error());
  for (auto& [name, value] : form_parameters(head.query).value_or(Parameters())) {
    // A name that fields can't carry would be refused as one, too.
    if (is_a_field(name)) head.fields.push_back({name, std::move(value)});
  }
  auto arrival = read_arrival(head, door);
  if (!arrival) co_return requests.refuse(arrival.error());
  arrival->query_parameters = std::move(*passed_on);
  auto taken = co_await requests.take(std::move(*arrival), body);
  if (!taken) co_return problem_response(taken.error());
  const SubmissionView& view = taken->view;
  HttpResponse response = json_response(success_status, reportstream_json(view, "Received", true, success_status));
  response.fields.push_back({"Location", history_location(head, view.submission.id)});
  if (taken->replayed) response.fields.push_back({"Idempotency-Replayed", "true"});
  co_return response;
}

HttpResponse report_history(const SubmissionView& view, bool authenticated, unsigned success_status) {
  return json_response(200, reportstream_json(view, reportstream_status(view), authenticated, success_status));
}

asio::awaitable<HttpResponse> post_token(const HttpRequestHead& head, HttpBody& body,
                                         const ClientAssertions& assertions, AccessTokens& tokens, Journal& journal) {
  const auto form = co_await whole_form(body);
  auto parameters = form_parameters(form ? *form : std::string());
  if (!form || !parameters) co_return token_refused("malformed_request");
  if (parameters->empty()) parameters = form_parameters(head.query).value_or(Parameters());
  const std::string assertion = value_of(*parameters, "client_assertion");
  if (assertion.empty()) co_return token_refused("missing_client_assertion");
  const std::string scope = value_of(*parameters, "scope");
  if (scope.empty()) co_return token_refused("missing_scope");
  const auto sender = assertions.check(assertion);
  if (!sender) co_return token_refused(assertion_problem_name(sender.error()));
  if (!is_scope_of(scope, sender->client)) co_return token_refused("invalid_scope");
  const auto first = co_await await_callback<Result<bool, AppendRefusal>>(
      [&](UseOnceCallback done) { use_once_of(journal).use_once(sender->mark, sender->until, std::move(done)); });
  if (!first) co_return problem_response(append_problem(first.error()));
  if (!*first) co_return token_refused(assertion_problem_name(AssertionProblem::expired_token));
  const Secret token = tokens.issue(sender->client);
  co_return json_response(200, {{"sub", sender->issuer},
                                {"access_token", token.reveal()},
                                {"token_type", "bearer"},
                                {"expires_in", AccessTokens::lifetime.count()},
                                {"scope", scope}});
}

}  // namespace relay
