// The operator endpoint's requests (contract, "Operator endpoint"). One instance serves the TCP listener and the
// socket: what changes anything, payloads, payload names and remote texts are for operators alone (admin_access.hpp).
// Runs on the operations thread.
#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>

#include "base/clock.hpp"
#include "base/http_server.hpp"
#include "intake/receiver.hpp"
#include "intake/submission_request.hpp"
#include "journal/journal.hpp"
#include "operations/admin_access.hpp"
#include "operations/admin_target.hpp"
#include "operations/carrying_requests.hpp"
#include "operations/operator_requests.hpp"
#include "operations/overview.hpp"
#include "operations/reload_queue.hpp"
#include "operations/running_destinations.hpp"
#include "settings/settings.hpp"

namespace relay {

class AdminApi {
 public:
  // All outlive it. `submit_client` is who a submission over the socket is from where it names nobody.
  AdminApi(Overview& overview, Journal& journal, Receiver& receiver, const Clock& clock, std::string submit_client,
           RunningDestinations& destinations, AdminAccess access);

  // POST /v1/reload asks this one; it outlives every request.
  void serve_reloads(ReloadQueue& reloads) { reloads_ = &reloads; }
  // Host and Origin have been checked.
  boost::asio::awaitable<HttpResponse> handle(const HttpRequestHead& head, HttpBody& body);
  // Those who wait by `Prefer: wait` are answered at once.
  void stop() { submissions_.stop(); }

  // After a reload.
  void set_access(AdminAccess access) { access_ = std::move(access); }

 private:
  boost::asio::awaitable<HttpResponse> change(const AdminTarget& target, const Operator& by,
                                              const HttpRequestHead& head, HttpBody& body);
  HttpResponse show(const AdminTarget& target, const HttpRequestHead& head, bool trusted);
  HttpResponse health(const HttpRequestHead& head, bool trusted);
  HttpResponse ready();
  boost::asio::awaitable<HttpResponse> metrics();
  boost::asio::awaitable<void> counts_saved();
  HttpResponse page();
  HttpResponse list(const HttpRequestHead& head, bool trusted);
  HttpResponse submission(const SubmissionId& id, bool trusted);
  HttpResponse payload(const SubmissionId& id);
  boost::asio::awaitable<HttpResponse> reload(const Operator& by);

  Overview& overview_;
  Journal& journal_;
  const Clock& clock_;
  AdminAccess access_;
  SubmissionRequests submissions_;
  OperatorRequests operators_;
  CarryingRequests carrying_;
  ReloadQueue* reloads_ = nullptr;
};

}  // namespace relay
