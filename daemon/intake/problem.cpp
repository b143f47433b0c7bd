#include "intake/problem.hpp"

#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace relay {
namespace {

struct ProblemKind {
  ProblemName name;
  std::string_view text;
  unsigned status;
  std::string_view title;
};

constexpr std::array problem_kinds = {
    ProblemKind{ProblemName::malformed_request, "malformed_request", 400, "The request can't be read"},
    ProblemKind{ProblemName::empty_payload, "empty_payload", 400, "The payload is empty"},
    ProblemKind{ProblemName::digest_mismatch, "digest_mismatch", 400, "The payload isn't what its digest says"},
    ProblemKind{ProblemName::bad_client, "bad_client", 400, "The client's name can't be used"},
    ProblemKind{ProblemName::no_client, "no_client", 400, "The request names no client"},
    ProblemKind{ProblemName::invalid_payload, "invalid_payload", 400, "The payload isn't what its content type says"},
    ProblemKind{ProblemName::unauthenticated, "unauthenticated", 401, "No known credentials"},
    ProblemKind{ProblemName::client_not_allowed, "client_not_allowed", 403, "This client may not submit here"},
    ProblemKind{ProblemName::foreign_host, "foreign_host", 403, "The Host isn't one of this relay's"},
    ProblemKind{ProblemName::foreign_origin, "foreign_origin", 403, "The request comes from a foreign web page"},
    ProblemKind{ProblemName::not_found, "not_found", 404, "There is no such thing"},
    ProblemKind{ProblemName::method_not_allowed, "method_not_allowed", 405, "Not that method"},
    ProblemKind{ProblemName::request_timeout, "request_timeout", 408, "The request didn't arrive in time"},
    ProblemKind{ProblemName::headers_too_large, "headers_too_large", 431, "The header section is too large"},
    ProblemKind{ProblemName::payload_too_large, "payload_too_large", 413, "The payload is too large"},
    ProblemKind{ProblemName::content_type_missing, "content_type_missing", 415, "The content type is missing"},
    ProblemKind{ProblemName::content_type_not_taken, "content_type_not_taken", 415, "The content type isn't taken"},
    ProblemKind{ProblemName::idempotency_conflict, "idempotency_conflict", 422,
                "The idempotency key was used with another payload"},
    ProblemKind{ProblemName::no_route, "no_route", 422, "No route takes this submission"},
    ProblemKind{ProblemName::rate_limited, "rate_limited", 429, "Too many submissions from this client"},
    ProblemKind{ProblemName::journal_full, "journal_full", 503, "The journal is full"},
    ProblemKind{ProblemName::disk_low, "disk_low", 503, "The disk is nearly full"},
    ProblemKind{ProblemName::journal_failing, "journal_failing", 503, "The journal can't be written"},
    ProblemKind{ProblemName::memory_full, "memory_full", 503, "Too many payloads are arriving at once"},
    ProblemKind{ProblemName::stopping, "stopping", 503, "The relay is stopping"},
    ProblemKind{ProblemName::wrong_state, "wrong_state", 409, "The state doesn't allow it"},
};

constexpr bool in_the_order_of_the_names() {
  for (std::size_t i = 0; i < problem_kinds.size(); ++i) {
    if (static_cast<std::size_t>(problem_kinds[i].name) != i) return false;
  }
  return true;
}
static_assert(in_the_order_of_the_names());

const ProblemKind& kind_of(ProblemName name) {
  return problem_kinds.at(static_cast<std::size_t>(name));
}

constexpr auto names_alone() {
  std::array<ProblemName, problem_kinds.size()> names{};
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = problem_kinds[i].name;
  return names;
}

}  // namespace

std::string_view problem_name(ProblemName name) {
  return kind_of(name).text;
}
unsigned problem_status(ProblemName name) {
  return kind_of(name).status;
}

std::span<const ProblemName> all_problem_names() {
  static constexpr auto names = names_alone();
  return names;
}

std::string problem_json(const RequestProblem& problem) {
  const ProblemKind& kind = kind_of(problem.name);
  boost::json::object body;
  body["type"] = "urn:edge-relay:problem:" + std::string(kind.text);
  body["title"] = kind.title;
  body["status"] = kind.status;
  body["detail"] = problem.detail;
  return boost::json::serialize(body);
}

}  // namespace relay
