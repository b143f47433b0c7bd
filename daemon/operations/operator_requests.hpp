// The requests by which operators change what is kept (contract, "Operator endpoint"). Who asks has been asked for
// credentials. What is passed by reference lives until the answer is there. The operations thread.
#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>

#include "base/clock.hpp"
#include "base/http_server.hpp"
#include "journal/operator_actions.hpp"
#include "operations/running_destinations.hpp"

namespace relay {

class OperatorRequests {
 public:
  // All outlive it.
  OperatorRequests(Journal& journal, RunningDestinations& destinations, const Clock& clock)
      : journal_(journal), destinations_(destinations), clock_(clock) {}

  // POST /v1/submissions/{id}/retry, /resend, /set-aside, /discard: the submission as it stands then, and `changed`.
  boost::asio::awaitable<HttpResponse> act(SubmissionAction action, const SubmissionId& id, const Operator& by,
                                           HttpBody& body);
  // POST /v1/retry, /v1/resend: {"changed":N,"left":N}.
  boost::asio::awaitable<HttpResponse> act_on_all(SubmissionAction action, const Operator& by, HttpBody& body);
  // POST /v1/destinations/{name}/pause, /resume: {"destination":…,"paused":…,"changed":N}.
  boost::asio::awaitable<HttpResponse> pause(const std::string& name, bool pause, const Operator& by, HttpBody& body);
  // POST /v1/destinations/{name}/redirect: {"changed":N,"left":N}.
  boost::asio::awaitable<HttpResponse> redirect(const std::string& name, const Operator& by, HttpBody& body);
  // GET /v1/audit. What an entry says in somebody's own words is for operators alone.
  HttpResponse audit(const HttpRequestHead& head, bool trusted);

 private:
  // Configured, or with deliveries from a time when it was.
  bool known(const std::string& name);
  HttpResponse submission_now(const SubmissionId& id, std::uint64_t changed);
  // A lane counts a delivery that isn't open any more as stuck until it hears of that.
  void tell_lanes(const SubmissionId& id);

  Journal& journal_;
  RunningDestinations& destinations_;
  const Clock& clock_;
};

}  // namespace relay
