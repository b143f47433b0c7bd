// What an operator's request says in its body: a small JSON object, or nothing. Every member is known and of its kind,
// or the request is refused: a typing slip must not widen what is done.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include "base/clock.hpp"
#include "base/http_server.hpp"
#include "base/result.hpp"
#include "intake/problem.hpp"
#include "submission/submission.hpp"

namespace relay {

class ActionBody {
 public:
  using Parsed = Result<ActionBody, RequestProblem>;
  // Reads the body to its end. `known`: the members it may have.
  static boost::asio::awaitable<Parsed> read(HttpBody& body, std::span<const std::string_view> known);

  // Nothing where absent or null. A complaint where it isn't what it should be.
  Result<std::optional<std::string>, RequestProblem> text(std::string_view member) const;
  // RFC 3339, or a duration back from `now`.
  Result<std::optional<WallTime>, RequestProblem> time(std::string_view member, WallTime now) const;
  Result<std::vector<SubmissionId>, RequestProblem> ids(std::string_view member) const;
  bool has(std::string_view member) const;

 private:
  explicit ActionBody(boost::json::object object) : object_(std::move(object)) {}
  boost::json::object object_;
};

// The longest reason that is kept, in bytes.
inline constexpr std::size_t longest_reason = 1000;

}  // namespace relay
