// What every listener does, whatever is spoken on it: listens, accepts up to `max_connections` (the rest waits in the
// backlog), keeps the steps of each connection in turn, looks after their time-outs, and stops in good order.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/listen_address.hpp"
#include "base/result.hpp"
#include "base/tls_context.hpp"

namespace relay {

using StreamSocket = boost::asio::generic::stream_protocol::socket;

// Where connections are served. On several threads each connection has a strand, so that no two of its steps run at
// once; one thread takes them in turn by itself, and saves what a strand costs a step (a mutex, two allocations).
struct ServingContext {
  // NOLINTNEXTLINE(google-explicit-constructor): an io_context on any number of threads is one
  ServingContext(boost::asio::io_context& context_) : context(context_) {}
  ServingContext(boost::asio::io_context& context_, std::size_t threads)
      : context(context_), one_thread(threads == 1) {}

  boost::asio::any_io_executor executor_of_connection() const;

  boost::asio::io_context& context;
  bool one_thread = false;
};

// Who is on the other side of a connection.
struct Peer {
  bool unix_socket = false;
  std::string address;            // numeric, without port; empty for a Unix socket
  std::optional<unsigned> uid{};  // SO_PEERCRED of a Unix socket
  bool tls = false;
  std::optional<TlsPeerCertificate> certificate{};  // what a TLS client proved to hold
};

// One connection, as its server sees it.
class ServedConnection {
 public:
  virtual ~ServedConnection() = default;
  // Returns when the connection is closed. Spawned on the socket's executor.
  virtual boost::asio::awaitable<void> run() = 0;
  // Thread-safe: the server stops; ends it once nothing is under way.
  virtual void stop_when_idle() = 0;
  // Thread-safe: cuts it.
  virtual void close() = 0;
  // Thread-safe: ends the wait that is over its time. Called a few times within each time-out, so that the hot path
  // sets a number where it would otherwise move a timer.
  virtual void expire(MonotonicTime now) = 0;
};

struct ConnectionServerOptions {
  ListenAddress listen;
  std::size_t max_connections = 1024;
  std::chrono::milliseconds shortest_timeout{30'000};  // of those that connections have
  std::string socket_group;                            // of a Unix socket; empty: left as it is
  unsigned socket_mode = 0660;
};

class ConnectionServer {
 public:
  // The connection for a socket that was accepted; nullptr: it is closed at once. Called on the server's strand.
  using MakeConnection = std::function<std::shared_ptr<ServedConnection>(StreamSocket, Peer)>;

  ConnectionServer(ServingContext context, ConnectionServerOptions options, MakeConnection make_connection);
  ~ConnectionServer();
  ConnectionServer(const ConnectionServer&) = delete;
  ConnectionServer& operator=(const ConnectionServer&) = delete;

  // Binds, listens and starts to accept. A Unix socket file nobody answers on is replaced, a live one is "in use"; so
  // is a busy port. The error names the address and the way out.
  Result<void> start();
  // The port that was really bound (for port 0).
  std::uint16_t port() const;

  // Thread-safe. Stops accepting and ends idle connections. `drained` runs once when the last connection is gone.
  void stop(std::function<void()> drained);
  // Thread-safe. Cuts what is still open.
  void close_all();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace relay
