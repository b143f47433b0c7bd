// SocketStream: the bytes of one connection, plain or under TLS, for every door and destination that speaks over
// sockets. Used from the socket's executor alone, one read and one write at a time. Waits end by cancel() with
// operation_aborted.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/tls_context.hpp"

namespace relay {

class SocketStream {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;
  using ErrorCode = boost::system::error_code;

  // `tls`: TlsContext::current() or make_client_tls_context(), or nullptr for a plain connection.
  SocketStream(Socket socket, std::shared_ptr<ssl_ctx_st> tls);
  ~SocketStream();
  SocketStream(const SocketStream&) = delete;
  SocketStream& operator=(const SocketStream&) = delete;

  bool is_tls() const { return tls_ != nullptr; }
  Socket& socket() { return socket_; }
  const Socket& socket() const { return socket_; }

  // First of all. Nothing is done where the connection is plain.
  boost::asio::awaitable<void> handshake(ErrorCode& error);
  // Likewise, of the side that connected: the certificate has to be for `host` (a DNS name or an address). `why` says
  // in words what was wrong with it, where that is why it failed.
  boost::asio::awaitable<void> handshake_with(const std::string& host, ErrorCode& error, std::string& why);
  // After the handshake; nothing where the client showed none.
  std::optional<TlsPeerCertificate> peer_certificate() const;

  // asio::error::eof at the end of the stream, also where the peer left TLS without saying goodbye: what is read here
  // says itself where it ends.
  boost::asio::awaitable<std::size_t> read_some(boost::asio::mutable_buffer buffer, ErrorCode& error);
  // Writes both, one behind the other.
  boost::asio::awaitable<std::size_t> write(std::string_view first, std::string_view second, ErrorCode& error);
  // Something can be read without waiting for the peer.
  bool has_bytes() const;

  // Tells the peer that nothing more comes (TLS: close_notify). Under TLS it waits for the peer's goodbye until
  // cancelled.
  boost::asio::awaitable<void> end_sending(ErrorCode& error);
  // For what comes after end_sending(): raw bytes, to be thrown away.
  boost::asio::awaitable<std::size_t> discard_some(boost::asio::mutable_buffer buffer, ErrorCode& error);

  void cancel();
  void close();

 private:
  struct Tls;
  boost::asio::awaitable<std::size_t> read_some_of_tls(boost::asio::mutable_buffer buffer, ErrorCode& error);

  Socket socket_;
  std::unique_ptr<Tls> tls_;
};

// Why a handshake failed, in words for the log.
std::string handshake_failure(const boost::system::error_code& error);

}  // namespace relay
