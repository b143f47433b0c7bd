// GET /v1/export and POST /v1/import: what is undelivered, as an archive to be carried by hand. Both go through any
// amount with bounded memory. The operations thread.
#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>

#include "base/http_server.hpp"
#include "journal/operator_actions.hpp"

namespace relay {

class CarryingRequests {
 public:
  // The journal outlives it.
  explicit CarryingRequests(Journal& journal) : journal_(journal) {}

  HttpResponse hand_out(Operator by);
  // {"imported":N,"already_there":N,"without_payload":N,"conflicting":[ids]}. An archive that can't be read to its end
  // is 400; what came before is in, and the whole may be sent again.
  boost::asio::awaitable<HttpResponse> take_in(const Operator& by, HttpBody& body);

 private:
  Journal& journal_;
};

}  // namespace relay
