// What all HTTP destinations read alike in an answer, or in its absence.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/clock_agreement.hpp"
#include "base/http_client.hpp"
#include "submission/outcome.hpp"

namespace relay {

// HTML, by its type or by how it begins: a portal, a proxy or a firewall has answered in the service's place.
bool is_web_page(const HttpClientResponse& response);
// Retry-After in seconds or as a date (RFC 9110 section 10.2.3), at most a day.
std::optional<std::chrono::milliseconds> retry_after_of(const HttpClientResponse& response, WallTime now);
// How far our clock is ahead of (positive) or behind the answer's Date, where it has one.
std::optional<std::chrono::milliseconds> clock_difference(const HttpClientResponse& response, WallTime now);
inline constexpr std::chrono::minutes clock_tolerance = clock_agreement;
// "clock is off by 2h: this machine is ahead of Azure's Date; set its clock"
std::string clock_words(std::chrono::milliseconds difference, std::string_view whose);
ErrorKind error_kind_of(TransferFailure failure);
// An error with what every answer has: its status, the service's own code for it where there is one, and what it says.
DeliveryError answer_error(const HttpClientResponse& response, ErrorKind kind, const std::string& words,
                           const std::string& code = "");
// Where a repeat isn't harmless. All failures but body_failed, which only the payload's reader can tell apart: broken
// before the whole request went out, after it unknown.
AttemptResult classify_failure(const TransferError& failure);
// The body's beginning, as a DeliveryError keeps it.
std::string remote_text_of(const HttpClientResponse& response);

}  // namespace relay
