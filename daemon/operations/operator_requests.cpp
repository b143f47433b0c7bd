#include "operations/operator_requests.hpp"

#include <array>
#include <set>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "base/await_callback.hpp"
#include "intake/http_answer.hpp"
#include "intake/submission_json.hpp"
#include "operations/action_body.hpp"
#include "operations/submission_query.hpp"

namespace relay {
namespace {

namespace json = boost::json;
using Answer = Result<ActionDone, ActionRefusal>;

constexpr std::array<std::string_view, 2> action_members = {"destination", "reason"};
constexpr std::array<std::string_view, 4> bulk_members = {"destination", "since", "until", "reason"};
constexpr std::array<std::string_view, 3> redirect_members = {"to", "submissions", "reason"};
constexpr std::span<const std::string_view> no_members;

RequestProblem problem_of(const ActionRefusal& refusal) {
  switch (refusal.kind) {
    case ActionRefusal::Kind::not_found:
      return {ProblemName::not_found, refusal.message};
    case ActionRefusal::Kind::wrong_state:
      return {ProblemName::wrong_state, refusal.message};
    case ActionRefusal::Kind::stopping:
      return {ProblemName::stopping, refusal.message, std::chrono::seconds(10)};
    case ActionRefusal::Kind::journal_failing:
      break;
  }
  return {ProblemName::journal_failing, refusal.message, std::chrono::seconds(10)};
}

HttpResponse unknown_destination(const std::string& name) {
  return problem_response({ProblemName::not_found, fmt::format("There is no destination {}.", name)});
}

HttpResponse malformed(std::string detail) {
  return problem_response({ProblemName::malformed_request, std::move(detail)});
}

HttpResponse bulk_response(const Answer& answer) {
  if (!answer.ok()) return problem_response(problem_of(answer.error()));
  return json_response(200, {{"changed", answer->changed}, {"left", answer->left}});
}

json::object audit_json(const AuditEntry& entry, bool trusted) {
  const AuditNote& note = entry.note;
  const auto text_or_null = [](const std::string& text) {
    return text.empty() ? json::value(nullptr) : json::value(text);
  };
  return {{"number", entry.number},
          {"at", format_rfc3339(entry.at)},
          {"action", note.action},
          {"who", note.by.who},
          {"from", note.by.from},
          {"submission", note.submission ? json::value(note.submission->text()) : json::value(nullptr)},
          {"destination", text_or_null(note.destination.value_or(""))},
          {"reason", text_or_null(trusted ? note.detail : "")},
          {"changed", note.changed}};
}

// The first complaint of several readings.
std::optional<RequestProblem> complaint_of(const auto&... readings) {
  std::optional<RequestProblem> complaint;
  const auto look = [&](const auto& reading) {
    if (!complaint && !reading.ok()) complaint = reading.error();
  };
  (look(readings), ...);
  return complaint;
}

}  // namespace

bool OperatorRequests::known(const std::string& name) {
  if (destinations_.configured(name)) return true;
  const auto snapshot = journal_.snapshot();
  return snapshot.ok() && snapshot->destinations.contains(name);
}

HttpResponse OperatorRequests::submission_now(const SubmissionId& id, std::uint64_t changed) {
  const auto found = journal_.find(id, true);
  // It was changed all the same.
  if (!found.ok() || !*found) return json_response(200, {{"id", id.text()}, {"changed", changed}});
  const SubmissionJsonOptions all{.payload_name = true, .remote_text = true, .receipt = true, .history = true};
  JsonText json;
  json.begin_object();
  write_submission_members(json, (*found)->view, all);
  write_deliveries_member(json, (*found)->view, all);
  json.key("changed");
  json.number(static_cast<std::int64_t>(changed));
  json.end_object();
  return json_text_response(200, json.take());
}

void OperatorRequests::tell_lanes(const SubmissionId& id) {
  const auto found = journal_.find(id, false);
  if (!found.ok() || !*found) return;
  std::set<std::string> open;
  for (const DeliveryView& delivery : (*found)->view.deliveries) {
    if (delivery.state == DeliveryState::queued) open.insert(delivery.destination);
  }
  for (const auto& [name, condition] : journal_.conditions()) {
    if (!open.contains(name)) destinations_.taken_away(name, id);
  }
}

boost::asio::awaitable<HttpResponse> OperatorRequests::act(SubmissionAction action, const SubmissionId& id,
                                                           const Operator& by, HttpBody& body) {
  const auto read = co_await ActionBody::read(body, action_members);
  if (!read) co_return problem_response(read.error());
  const auto destination = read->text("destination");
  const auto reason = read->text("reason");
  if (const auto complaint = complaint_of(destination, reason)) co_return problem_response(*complaint);
  if (action == SubmissionAction::discard && reason->value_or("").empty()) {
    co_return malformed("discard needs a reason, which is kept in the record.");
  }
  ActionRequest request{action, id, *destination, reason->value_or(""), by};
  OperatorActions& actions = journal_.operator_actions();
  const auto start = [&actions, &request](auto done) { actions.act(std::move(request), std::move(done)); };
  const Answer answer = co_await await_callback<Answer>(start);
  if (!answer.ok()) co_return problem_response(problem_of(answer.error()));
  tell_lanes(id);
  co_return submission_now(id, answer->changed);
}

boost::asio::awaitable<HttpResponse> OperatorRequests::act_on_all(SubmissionAction action, const Operator& by,
                                                                  HttpBody& body) {
  const auto read = co_await ActionBody::read(body, bulk_members);
  if (!read) co_return problem_response(read.error());
  const WallTime now = clock_.wall_now();
  const auto destination = read->text("destination");
  const auto since = read->time("since", now);
  const auto until = read->time("until", now);
  const auto reason = read->text("reason");
  if (const auto complaint = complaint_of(destination, since, until, reason)) co_return problem_response(*complaint);
  if (!*destination) co_return malformed("destination is missing: it says of which one.");
  if (action == SubmissionAction::resend && !*since) {
    co_return malformed("since is missing: what was delivered from then on is sent again.");
  }
  if (!known(**destination)) co_return unknown_destination(**destination);
  BulkRequest request{action, **destination, *since, *until, reason->value_or(""), by};
  OperatorActions& actions = journal_.operator_actions();
  const auto start = [&actions, &request](auto done) { actions.act_on_all(std::move(request), std::move(done)); };
  const Answer answer = co_await await_callback<Answer>(start);
  co_return bulk_response(answer);
}

boost::asio::awaitable<HttpResponse> OperatorRequests::pause(const std::string& name, bool pause, const Operator& by,
                                                             HttpBody& body) {
  const auto read = co_await ActionBody::read(body, no_members);
  if (!read) co_return problem_response(read.error());
  if (!known(name)) co_return unknown_destination(name);
  OperatorActions& actions = journal_.operator_actions();
  const auto start = [&actions, &name, &by, pause](auto done) {
    if (pause) {
      actions.pause(name, by, std::move(done));
    } else {
      actions.resume(name, by, std::move(done));
    }
  };
  const Answer answer = co_await await_callback<Answer>(start);
  if (!answer.ok()) co_return problem_response(problem_of(answer.error()));
  if (!pause) destinations_.resumed(name);
  co_return json_response(200, {{"destination", name}, {"paused", pause}, {"changed", answer->changed}});
}

boost::asio::awaitable<HttpResponse> OperatorRequests::redirect(const std::string& name, const Operator& by,
                                                                HttpBody& body) {
  const auto read = co_await ActionBody::read(body, redirect_members);
  if (!read) co_return problem_response(read.error());
  const auto to = read->text("to");
  const auto only = read->ids("submissions");
  const auto reason = read->text("reason");
  if (const auto complaint = complaint_of(to, only, reason)) co_return problem_response(*complaint);
  if (!*to) co_return malformed("to is missing: it says where to.");
  if (**to == name) co_return malformed("from and to are the same destination.");
  if (!known(name)) co_return unknown_destination(name);
  if (!destinations_.configured(**to)) co_return unknown_destination(**to);
  RedirectRequest request{name, **to, destinations_.what_it_takes(**to), *only, reason->value_or(""), by};
  OperatorActions& actions = journal_.operator_actions();
  const auto start = [&actions, &request](auto done) { actions.redirect(std::move(request), std::move(done)); };
  const Answer answer = co_await await_callback<Answer>(start);
  auto conditions = journal_.conditions();  // named: it must outlast the loop
  for (const SubmissionId& id : conditions[name].stuck_submissions) tell_lanes(id);
  co_return bulk_response(answer);
}

HttpResponse OperatorRequests::audit(const HttpRequestHead& head, bool trusted) {
  const auto query = parse_audit_query(head, clock_.wall_now());
  if (!query) return problem_response(query.error());
  const auto page = journal_.operator_actions().audit(*query);
  if (!page && query->cursor) {
    return problem_response({ProblemName::malformed_request, "cursor isn't one that an earlier answer gave."});
  }
  if (!page) {
    return problem_response({ProblemName::journal_failing, "The journal can't be read.", std::chrono::seconds(10)});
  }
  json::array entries;
  for (const AuditEntry& entry : page->entries) entries.push_back(audit_json(entry, trusted));
  return json_response(200, {{"entries", std::move(entries)},
                             {"next_cursor", page->next_cursor ? json::value(*page->next_cursor) : nullptr}});
}

}  // namespace relay
