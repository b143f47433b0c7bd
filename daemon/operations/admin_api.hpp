// The operator endpoint's requests (contract, "Operator endpoint"). One instance serves the TCP listener and the
// socket: what changes anything, payloads, payload names and remote texts are for the socket alone, whose file
// permissions say who may. Runs on the operations thread.
#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>

#include "base/clock.hpp"
#include "base/http_server.hpp"
#include "intake/receiver.hpp"
#include "intake/submission_request.hpp"
#include "journal/journal.hpp"
#include "operations/overview.hpp"
#include "operations/reload_queue.hpp"
#include "settings/settings.hpp"

namespace relay {

class AdminApi {
 public:
  // All outlive it. `submit_client` is who a submission over the socket is from where it names nobody.
  AdminApi(Overview& overview, Journal& journal, Receiver& receiver, const Clock& clock, std::string submit_client);

  // POST /v1/reload asks this one; it outlives every request.
  void serve_reloads(ReloadQueue& reloads) { reloads_ = &reloads; }
  // Host and Origin have been checked.
  boost::asio::awaitable<HttpResponse> handle(const HttpRequestHead& head, HttpBody& body);
  // Those who wait by `Prefer: wait` are answered at once.
  void stop() { submissions_.stop(); }

 private:
  HttpResponse health(const HttpRequestHead& head, bool trusted);
  HttpResponse ready();
  HttpResponse metrics();
  HttpResponse list(const HttpRequestHead& head, bool trusted);
  HttpResponse submission(const SubmissionId& id, bool trusted);
  HttpResponse payload(const SubmissionId& id);
  boost::asio::awaitable<HttpResponse> reload();

  Overview& overview_;
  Journal& journal_;
  const Clock& clock_;
  SubmissionRequests submissions_;
  ReloadQueue* reloads_ = nullptr;
};

}  // namespace relay
