#include "base/socket_connection.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <utility>
#include <vector>

namespace relay {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::seconds linger_time_when_stopping{1};
constexpr std::chrono::seconds goodbye_time{1};
constexpr std::size_t linger_buffer_size = 16 * 1024;

MonotonicTime now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

SocketConnection::SocketConnection(StreamSocket socket, Peer peer, std::shared_ptr<ssl_ctx_st> tls)
    : stream_(std::move(socket), std::move(tls)), peer_(std::move(peer)) {}

asio::awaitable<void> SocketConnection::handshake(std::chrono::milliseconds limit, ErrorCode& error) {
  error = {};
  if (!stream_.is_tls()) co_return;
  set_deadline(now() + limit);
  idle_ = true;
  co_await stream_.handshake(error);
  idle_ = false;
  end_deadline();
  if (error) co_return;
  peer_.tls = true;
  peer_.certificate = stream_.peer_certificate();
}

void SocketConnection::set_deadline(MonotonicTime deadline) {
  expired_ = false;
  deadline_ = deadline == MonotonicTime::max() ? 0 : deadline.time_since_epoch().count();
}

SocketConnection::ReadEnd SocketConnection::read_end(const ErrorCode& error) const {
  if (!error) return ReadEnd::bytes;
  if (error == asio::error::eof) return ReadEnd::end_of_stream;
  if (error != asio::error::operation_aborted || !stream_.socket().is_open()) return ReadEnd::failed;
  return expired_ ? ReadEnd::expired : ReadEnd::stopped;
}

asio::awaitable<void> SocketConnection::say_goodbye() {
  ErrorCode ignored;
  if (stream_.is_tls()) set_deadline(now() + goodbye_time);
  co_await stream_.end_sending(ignored);
  end_deadline();
}

asio::awaitable<void> SocketConnection::linger(std::chrono::seconds time) {
  co_await say_goodbye();
  linger_until_ = now() + (stop_asked_ ? linger_time_when_stopping : time);
  std::vector<char> unwanted(linger_buffer_size);
  const asio::mutable_buffer room = asio::buffer(unwanted);
  ErrorCode error;
  while (!error) {
    set_deadline(linger_until_);
    co_await stream_.discard_some(room, error);
    end_deadline();
  }
}

// ---- From other threads ---------------------------------------------------------------------------------------------

void SocketConnection::stop_when_idle() {
  asio::post(stream_.socket().get_executor(), [self = shared_from_this()] {
    self->stop_asked_ = true;
    if (self->linger_until_ != MonotonicTime{}) {
      self->linger_until_ = std::min(self->linger_until_, now() + linger_time_when_stopping);
      if (self->deadline_ != 0) self->deadline_ = self->linger_until_.time_since_epoch().count();
    }
    if (self->idle_) self->stream_.cancel();
  });
}

void SocketConnection::close() {
  asio::post(stream_.socket().get_executor(), [self = shared_from_this()] { self->stream_.close(); });
}

void SocketConnection::expire(MonotonicTime now_) {
  const auto over = [now_](MonotonicTime::rep deadline) {
    return deadline != 0 && deadline <= now_.time_since_epoch().count();
  };
  if (!over(deadline_)) return;
  asio::post(stream_.socket().get_executor(), [self = shared_from_this(), over] {
    if (!over(self->deadline_)) return;
    self->expired_ = true;
    self->stream_.cancel();
  });
}

}  // namespace relay
