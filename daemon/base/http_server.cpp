#include "base/http_server.hpp"

#include <algorithm>
#include <utility>

#include "base/connection_server.hpp"
#include "base/http_server_connection.hpp"

namespace relay {

struct HttpServer::State {
  State(boost::asio::io_context& context, const ConnectionServerOptions& options,
        std::shared_ptr<HttpConnectionShared> shared_)
      : shared(std::move(shared_)),
        server(context, options, [connections_share = shared](StreamSocket socket, Peer peer) {
          const auto& tls = connections_share->options.tls;
          return std::make_shared<HttpConnection>(std::move(socket), std::move(peer), tls ? tls->current() : nullptr,
                                                  connections_share);
        }) {}

  const std::shared_ptr<HttpConnectionShared> shared;
  ConnectionServer server;
};

HttpServer::HttpServer(boost::asio::io_context& context, HttpServerOptions options, HttpHandler handler,
                       HttpFramingAnswer framing_answer) {
  ConnectionServerOptions of_connections;
  of_connections.listen = options.listen;
  of_connections.max_connections = options.max_connections;
  of_connections.shortest_timeout = std::min(options.request_timeout, options.idle_timeout);
  of_connections.socket_group = options.socket_group;
  of_connections.socket_mode = options.socket_mode;
  auto shared = std::make_shared<HttpConnectionShared>();
  shared->options = std::move(options);
  shared->handler = std::move(handler);
  shared->framing_answer = std::move(framing_answer);
  state_ = std::make_shared<State>(context, of_connections, std::move(shared));
}

HttpServer::~HttpServer() {
  state_->shared->stopping = true;
}

Result<void> HttpServer::start() {
  return state_->server.start();
}

std::uint16_t HttpServer::port() const {
  return state_->server.port();
}

void HttpServer::stop(std::function<void()> drained) {
  state_->shared->stopping = true;  // an answer that is made from here on says "close"
  state_->server.stop(std::move(drained));
}

void HttpServer::close_all() {
  state_->server.close_all();
}

}  // namespace relay
