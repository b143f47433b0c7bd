// SocketConnection: what the connections of every door that speaks over sockets have in common: a stream, plain or
// under TLS, one deadline at a time, waits that a stop may end, and an end that loses the peer no answer. A door's own
// connection says what is read and answered. Runs on the socket's strand; what may be called from elsewhere says so.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>

#include "base/clock.hpp"
#include "base/connection_server.hpp"
#include "base/socket_stream.hpp"

namespace relay {

class SocketConnection : public ServedConnection, public std::enable_shared_from_this<SocketConnection> {
 public:
  // Thread-safe, all three. A stop ends what waits while idle; what lingers then lingers a second at most.
  void stop_when_idle() final;
  void close() final;
  void expire(MonotonicTime now) final;

 protected:
  using ErrorCode = boost::system::error_code;
  // How a wait for the peer ended; `expired`: its deadline passed; `stopped`: a stop cancelled it.
  enum class ReadEnd { bytes, end_of_stream, expired, stopped, failed };

  // `tls`: TlsContext::current(), or nullptr for a plain connection.
  SocketConnection(StreamSocket socket, Peer peer, std::shared_ptr<ssl_ctx_st> tls);

  SocketStream& stream() { return stream_; }
  const Peer& peer() const { return peer_; }

  // First of all, within `limit`; then peer() knows the certificate. Nothing is done where the connection is plain. A
  // stop ends it, too.
  boost::asio::awaitable<void> handshake(std::chrono::milliseconds limit, ErrorCode& error);

  // Nothing is under way: a stop may end the wait that begins now.
  void set_idle(bool idle) { idle_ = idle; }
  bool idle() const { return idle_; }
  // Of the wait that begins now; MonotonicTime::max(): it has none.
  void set_deadline(MonotonicTime deadline);
  void end_deadline() { deadline_ = 0; }
  ReadEnd read_end(const ErrorCode& error) const;

  // Tells the peer that nothing more comes; under TLS its own goodbye is waited for, so that it can tell the end from a
  // cut.
  boost::asio::awaitable<void> say_goodbye();
  // The same, and reads on for a while: closing with bytes unread would reset the connection, and the peer might lose
  // earlier answers with it.
  boost::asio::awaitable<void> linger(std::chrono::seconds time);

 private:
  SocketStream stream_;
  Peer peer_;
  std::atomic<MonotonicTime::rep> deadline_ = 0;  // 0: nothing is waited for
  bool expired_ = false;
  bool idle_ = false;
  bool stop_asked_ = false;
  MonotonicTime linger_until_{};  // set once the last answer is out
};

}  // namespace relay
