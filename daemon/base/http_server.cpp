#include "base/http_server.hpp"

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include "base/connection_server.hpp"
#include "base/http_server_connection.hpp"

namespace relay {

namespace {

// What connections of one server share from one configuration to the next, so that a stop reaches all of them.
class SharedByConnections {
 public:
  explicit SharedByConnections(std::shared_ptr<HttpConnectionShared> first) : now_(std::move(first)) {}

  std::shared_ptr<HttpConnectionShared> now() const {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  void change(HttpServerOptions options) {
    auto next = std::make_shared<HttpConnectionShared>();
    next->options = std::move(options);
    const std::lock_guard lock(mutex_);
    next->handler = now_->handler;
    next->framing_answer = now_->framing_answer;
    next->stopping = now_->stopping.load();
    std::erase_if(earlier_, [](const auto& one) { return one.expired(); });
    earlier_.push_back(now_);
    now_ = std::move(next);
  }
  void stop() {
    const std::lock_guard lock(mutex_);
    now_->stopping = true;
    for (const auto& one : earlier_) {
      if (const auto shared = one.lock()) shared->stopping = true;
    }
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<HttpConnectionShared> now_;
  std::vector<std::weak_ptr<HttpConnectionShared>> earlier_;
};

}  // namespace

struct HttpServer::State {
  State(ServingContext context, const ConnectionServerOptions& options, std::shared_ptr<HttpConnectionShared> first)
      : shared(std::make_shared<SharedByConnections>(std::move(first))),
        server(context, options, [of_connections = shared](StreamSocket socket, Peer peer) {
          auto share = of_connections->now();
          auto tls = share->options.tls ? share->options.tls->current() : nullptr;
          return std::make_shared<HttpConnection>(std::move(socket), std::move(peer), std::move(tls), std::move(share));
        }) {}

  const std::shared_ptr<SharedByConnections> shared;
  ConnectionServer server;
};

HttpServer::HttpServer(ServingContext context, HttpServerOptions options, HttpHandler handler,
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
  state_->shared->stop();
}

Result<void> HttpServer::start() {
  return state_->server.start();
}

std::uint16_t HttpServer::port() const {
  return state_->server.port();
}

void HttpServer::change(HttpServerOptions options) {
  state_->shared->change(std::move(options));
}

void HttpServer::stop(std::function<void()> drained) {
  state_->shared->stop();  // an answer that is made from here on says "close"
  state_->server.stop(std::move(drained));
}

void HttpServer::close_all() {
  state_->server.close_all();
}

}  // namespace relay
