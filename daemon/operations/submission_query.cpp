#include "operations/submission_query.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <span>
#include <string>

#include <fmt/format.h>

#include "submission/client_name.hpp"

namespace relay {
namespace {

constexpr std::array<std::string_view, 6> list_parameters = {"state", "destination", "client",
                                                             "since", "limit",       "cursor"};
constexpr std::array<std::string_view, 3> audit_parameters = {"since", "limit", "cursor"};

Failure<RequestProblem> malformed(std::string detail) {
  return Failure{RequestProblem{ProblemName::malformed_request, std::move(detail)}};
}

std::string joined(std::span<const std::string_view> names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " and " : ", ";
    text += names[i];
  }
  return text;
}

// Each parameter is known, there once at most, and can be decoded; the first complaint otherwise.
std::optional<std::string> complaint_about_parameters(const HttpRequestHead& head,
                                                      std::span<const std::string_view> parameters) {
  std::set<std::string_view> seen;
  std::string_view query = head.query;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const std::string_view name = pair.substr(0, pair.find('='));
    const auto known = std::find(parameters.begin(), parameters.end(), name);
    if (known == parameters.end()) {
      return fmt::format("A query parameter isn't known; there are {}.", joined(parameters));
    }
    if (!seen.insert(*known).second) return fmt::format("The query parameter {} is given twice.", *known);
    if (!head.query_parameter(*known)) return fmt::format("The query parameter {} isn't percent-encoded.", *known);
  }
  return std::nullopt;
}

std::optional<std::size_t> parse_limit(std::string_view text) {
  std::size_t limit = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (error != std::errc() || end != text.data() + text.size() || limit < 1) return std::nullopt;
  return std::min(limit, largest_page);  // next_cursor says that there is more
}

// since, limit and cursor; the complaint where one of them is senseless.
template <class Query>
std::optional<std::string> read_page(const HttpRequestHead& head, WallTime now, Query& query) {
  if (const auto since = head.query_parameter("since"); since && !since->empty()) {
    query.since = parse_time_or_age(*since, now);
    if (!query.since) return "since is a time (2026-11-24T18:00:00Z) or a duration back (30m, 12h, 7d).";
  }
  if (const auto limit = head.query_parameter("limit"); limit && !limit->empty()) {
    const auto parsed = parse_limit(*limit);
    if (!parsed) return fmt::format("limit is a number from 1 to {}.", largest_page);
    query.limit = *parsed;
  }
  if (auto cursor = head.query_parameter("cursor"); cursor && !cursor->empty()) query.cursor = std::move(cursor);
  return std::nullopt;
}

}  // namespace

std::optional<WallTime> parse_time_or_age(std::string_view text, WallTime now) {
  if (const auto age = parse_duration(text)) {
    if (*age > now.time_since_epoch()) return WallTime{};
    return now - *age;
  }
  if (const auto time = parse_rfc3339(text)) return time;
  // The '+' of an offset that wasn't percent-encoded in a query.
  std::string with_plus(text);
  const auto blank = with_plus.rfind(' ');
  if (blank == std::string::npos || blank < std::string_view("2026-11-24T18:00:00").size()) return std::nullopt;
  with_plus[blank] = '+';
  return parse_rfc3339(with_plus);
}

Result<SubmissionQuery, RequestProblem> parse_submission_query(const HttpRequestHead& head, WallTime now) {
  if (auto complaint = complaint_about_parameters(head, list_parameters)) return malformed(std::move(*complaint));
  SubmissionQuery query;
  if (const auto state = head.query_parameter("state"); state && !state->empty()) {
    query.state = parse_submission_state(*state);
    if (!query.state) {
      return malformed("state is one of queued, delivered, dead_letter, discarded and partially_delivered.");
    }
  }
  if (auto destination = head.query_parameter("destination"); destination && !destination->empty()) {
    query.destination = std::move(destination);
  }
  if (auto client = head.query_parameter("client"); client && !client->empty()) {
    if (!is_client_name(*client)) return malformed("client isn't a client's name.");
    query.client = std::move(client);
  }
  if (auto complaint = read_page(head, now, query)) return malformed(std::move(*complaint));
  return query;
}

Result<AuditQuery, RequestProblem> parse_audit_query(const HttpRequestHead& head, WallTime now) {
  if (auto complaint = complaint_about_parameters(head, audit_parameters)) return malformed(std::move(*complaint));
  AuditQuery query;
  if (auto complaint = read_page(head, now, query)) return malformed(std::move(*complaint));
  return query;
}

}  // namespace relay
