// POST /v1/submissions: from a request to its answer, for every door that speaks HTTP (the intake's listeners and the
// operator socket). The door checks Host, Origin, credentials, path and method before.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>

#include "base/http_server.hpp"
#include "base/result.hpp"
#include "intake/problem.hpp"
#include "intake/receiver.hpp"
#include "journal/journal.hpp"

namespace relay {

// What tells one HTTP door from another.
struct SubmissionDoor {
  Intake intake = Intake::http;
  std::optional<std::string> client{};         // used where a request names none
  bool any_client = false;                     // the operator socket: `clients:` isn't asked
  std::optional<std::string> proven_client{};  // whom the sender's credentials name: no other may be named beside it
  std::shared_ptr<ClientRates> rates{};        // nullptr: as fast as it comes
};

// The headers of a submission. Refused: no_client, bad_client, client_not_allowed, malformed_request.
Result<Arrival, RequestProblem> read_arrival(const HttpRequestHead& head, const SubmissionDoor& door);
// The client that the headers name (Relay-Client, client, client_id): nothing where none does, bad_client where they
// disagree or it is no client name.
Result<std::optional<std::string>, RequestProblem> client_of(const HttpRequestHead& head);

class SubmissionRequests {
 public:
  // Receiver and journal outlive it.
  SubmissionRequests(SubmissionDoor door, Receiver& receiver, Journal& journal);
  ~SubmissionRequests();

  // 202 (200 where `Prefer: wait` saw every delivery delivered), or the problem. Call it on the connection's strand;
  // the object must live until it returns. Refusals are counted.
  boost::asio::awaitable<HttpResponse> post(const HttpRequestHead& head, HttpBody& body);
  // The same through another door than the object's own.
  boost::asio::awaitable<HttpResponse> post(const HttpRequestHead& head, HttpBody& body, const SubmissionDoor& door);
  // The way in behind post(), for doors that answer in their own words. Refusals are counted.
  boost::asio::awaitable<Result<Appended, RequestProblem>> take(Arrival arrival, HttpBody& body);
  // Answers a refusal that the door found itself, counted as one of a submission.
  HttpResponse refuse(const RequestProblem& problem);
  // Thread-safe: those who wait by `Prefer: wait` are answered at once, now and from now on.
  void stop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace relay
