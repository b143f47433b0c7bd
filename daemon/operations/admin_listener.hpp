// One listener of the operator endpoint: the gate (Host, Origin) in front of the API.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/http_server.hpp"
#include "intake/http_gate.hpp"
#include "operations/admin_api.hpp"

namespace relay {

class AdminListener {
 public:
  // `api` outlives it.
  AdminListener(ServingContext context, HttpServerOptions options, std::vector<std::string> allowed_hosts,
                AdminApi& api);
  // Another configuration, but for the address and the socket's group and mode. On the thread of its io_context.
  void change(HttpServerOptions options, std::vector<std::string> allowed_hosts);
  Result<void> start() { return server_.start(); }
  std::uint16_t port() const { return server_.port(); }
  // As HttpServer::stop and close_all.
  void stop(std::function<void()> drained) { server_.stop(std::move(drained)); }
  void close_all() { server_.close_all(); }

 private:
  HttpGate gate_;
  HttpServer server_;
};

}  // namespace relay
