// The query of GET /v1/submissions: ?state=&destination=&client=&since=&limit=&cursor=
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.hpp"
#include "base/http_server.hpp"
#include "base/result.hpp"
#include "intake/problem.hpp"
#include "journal/operator_actions.hpp"

namespace relay {

inline constexpr std::size_t largest_page = 1000;

// RFC 3339, or a duration back from `now` (30m, 7d); nothing for anything else.
std::optional<WallTime> parse_time_or_age(std::string_view text, WallTime now);

// malformed_request for an unknown, repeated or senseless parameter: a mistyped filter must not answer with everything.
Result<SubmissionQuery, RequestProblem> parse_submission_query(const HttpRequestHead& head, WallTime now);

// Likewise of GET /v1/audit: ?since=&limit=&cursor=
Result<AuditQuery, RequestProblem> parse_audit_query(const HttpRequestHead& head, WallTime now);

}  // namespace relay
