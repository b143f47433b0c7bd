#include "operations/action_body.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "intake/http_answer.hpp"
#include "operations/submission_query.hpp"

namespace relay {
namespace {

namespace json = boost::json;

constexpr std::size_t largest_body = 128 * 1024;
constexpr std::size_t most_ids = 1000;

Failure<RequestProblem> malformed(std::string detail) {
  return Failure{RequestProblem{ProblemName::malformed_request, std::move(detail)}};
}

Result<json::object, RequestProblem> parse(const std::string& text, std::span<const std::string_view> known) {
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) return json::object();
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = 4;
  auto value = json::parse(text, error, {}, options);
  if (error || !value.is_object()) return malformed("The body isn't a JSON object.");
  std::string names;
  for (const std::string_view name : known) names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
  for (const auto& [name, member] : value.as_object()) {
    if (std::find(known.begin(), known.end(), std::string_view(name)) == known.end()) {
      return malformed(names.empty() ? "The body has a member, and this takes none."
                                     : fmt::format("The body has a member that isn't known; there are: {}.", names));
    }
  }
  return std::move(value.as_object());
}

}  // namespace

boost::asio::awaitable<ActionBody::Parsed> ActionBody::read(HttpBody& body, std::span<const std::string_view> known) {
  std::string text;
  for (;;) {
    const auto piece = co_await body.read();
    if (!piece) co_return Failure{body_problem(piece.error())};
    if (piece->empty()) break;
    text += *piece;
    if (text.size() > largest_body) {
      co_return malformed("The body is longer than 128 KiB.");
    }
  }
  auto object = parse(text, known);
  if (!object) co_return Failure{std::move(object.error())};
  co_return ActionBody(std::move(*object));
}

bool ActionBody::has(std::string_view member) const {
  const auto* value = object_.if_contains(member);
  return value != nullptr && !value->is_null();
}

Result<std::optional<std::string>, RequestProblem> ActionBody::text(std::string_view member) const {
  if (!has(member)) return std::optional<std::string>();
  const auto& value = object_.at(member);
  if (!value.is_string()) return malformed(fmt::format("{} isn't a string.", member));
  std::string text(value.as_string());
  if (text.size() > longest_reason) {
    return malformed(fmt::format("{} is longer than {} bytes.", member, longest_reason));
  }
  return std::optional(std::move(text));
}

Result<std::optional<WallTime>, RequestProblem> ActionBody::time(std::string_view member, WallTime now) const {
  const auto written = text(member);
  if (!written) return Failure{written.error()};
  if (!*written) return std::optional<WallTime>();
  const auto time = parse_time_or_age(**written, now);
  if (!time) {
    return malformed(
        fmt::format("{} is neither a time like 2026-11-24T18:00:00Z nor a duration back like 12h.", member));
  }
  return std::optional(*time);
}

Result<std::vector<SubmissionId>, RequestProblem> ActionBody::ids(std::string_view member) const {
  std::vector<SubmissionId> ids;
  if (!has(member)) return ids;
  const auto& value = object_.at(member);
  if (!value.is_array() || value.as_array().empty() || value.as_array().size() > most_ids) {
    return malformed(fmt::format("{} isn't a list of 1 to {} ids.", member, most_ids));
  }
  for (const auto& item : value.as_array()) {
    const auto id = item.is_string() ? Uuid::parse(item.as_string()) : std::nullopt;
    if (!id) return malformed(fmt::format("{} holds something that isn't a submission's id.", member));
    ids.push_back(*id);
  }
  return ids;
}

}  // namespace relay
