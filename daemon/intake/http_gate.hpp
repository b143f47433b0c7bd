// The gate that both listeners share: answers only to their own Host names, never to a foreign Origin, so that a web
// page in the lab's browser can't reach them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/http_server.hpp"
#include "base/listen_address.hpp"
#include "intake/problem.hpp"

namespace relay {

class HttpGate {
 public:
  HttpGate(const ListenAddress& listen, std::vector<std::string> allowed_hosts);
  // foreign_host, foreign_origin, or nothing. A Unix socket takes any Host.
  std::optional<RequestProblem> check(const HttpRequestHead& head, std::uint16_t bound_port) const;

 private:
  ListenAddress listen_;
  std::vector<std::string> allowed_hosts_;
};

}  // namespace relay
