// How one try to deliver ended. Every destination maps its answers to one of five outcomes (design, "Five outcomes, one
// classifier").
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace relay {

// The numbers are the journal's (FORMAT.md); never renumber.
enum class Outcome : int { accepted = 1, refused = 2, try_later = 3, broken = 4, unknown = 5 };
std::string_view outcome_name(Outcome outcome);  // accepted, refused, try_later, broken, unknown
std::optional<Outcome> parse_outcome(std::string_view name);

enum class ErrorKind : int {
  unreachable = 1,
  dns,
  tls,
  proxy,
  sign_in,
  forbidden,
  not_found,
  gone,
  redirect,
  unexpected_answer,
  clock,
  throttled,
  unavailable,
  timeout,
  refused,
  too_large,
  corrupt,
  set_aside,
};
std::string_view error_kind_name(ErrorKind kind);
std::optional<ErrorKind> parse_error_kind(std::string_view name);

struct DeliveryError {
  ErrorKind kind = ErrorKind::unexpected_answer;
  std::optional<int> status{};  // HTTP status, where there was one
  std::string message;          // the relay's own words, with status and code; safe to log
  std::string remote_text;      // what the other side said, at most 4 KiB; only over the socket or with a token
};

// What a destination handed back as proof: message_id, blob_url, path, … Keys are the contract's.
using Receipt = std::map<std::string, std::string>;

struct AttemptResult {
  Outcome outcome = Outcome::unknown;
  std::optional<DeliveryError> error{};  // always there unless accepted
  Receipt receipt;
  std::optional<std::chrono::sys_time<std::chrono::milliseconds>> server_date{};  // of the answer
  std::optional<std::chrono::milliseconds> retry_after{};  // the other side's wish: holds the lane
  // The destination may have taken it over: the next try may make a repeat there (edge_relay_possible_repeats_total).
  bool possibly_delivered = false;
};

}  // namespace relay
