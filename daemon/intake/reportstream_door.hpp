// ReportStream's own endpoints on an HTTP listener, so that a sender written for it changes its base URL and nothing
// else (contract, "Drop-in for ReportStream senders"). Credentials have been checked, but for /api/token.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/http_server.hpp"
#include "base/result.hpp"
#include "intake/access_tokens.hpp"
#include "intake/client_assertion.hpp"
#include "intake/problem.hpp"
#include "intake/submission_request.hpp"
#include "submission/submission.hpp"

namespace relay {

// POST /api/reports, /api/waters, /api/v1/reports
bool is_report_path(std::string_view path);
// GET /api/waters/report/{id}/history; nothing for another path.
std::optional<SubmissionId> report_id_in_history_path(std::string_view path);
inline constexpr std::string_view token_path = "/api/token";

// The query parameters that are a sender's wishes, in a form that can be sent on: without `client`, `client_id`,
// `payloadName` (read as header fields) and `code` (a key). Refused: a query that can't be decoded, and options under
// which ReportStream would keep nothing, because the answer here must never look like that of a kept report.
Result<std::string, RequestProblem> passed_on_parameters(const HttpRequestHead& head);

// Takes a report; answers with `success_status`.
boost::asio::awaitable<HttpResponse> post_report(SubmissionRequests& requests, HttpRequestHead head, HttpBody& body,
                                                 SubmissionDoor door, unsigned success_status);
// `success_status`: which the report was answered with.
HttpResponse report_history(const SubmissionView& view, bool authenticated, unsigned success_status);
// 200 with a five-minute token for a client's signed assertion, once for each; else 401 in the words of RFC 6749 and
// ReportStream, or 503 where the journal can't keep that it was used.
boost::asio::awaitable<HttpResponse> post_token(const HttpRequestHead& head, HttpBody& body,
                                                const ClientAssertions& assertions, AccessTokens& tokens,
                                                Journal& journal);

}  // namespace relay
