#include "base/socket_stream.hpp"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <array>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "base/shown_certificates.hpp"

namespace relay {
namespace {

namespace asio = boost::asio;

// Takes a reference of its own.
asio::ssl::context shared_context(SSL_CTX* context) {
  SSL_CTX_up_ref(context);
  return asio::ssl::context(context);
}

}  // namespace

struct SocketStream::Tls {
  Tls(Socket& socket, SSL_CTX* shared) : context(shared_context(shared)), stream(socket, context) {}

  asio::ssl::context context;
  asio::ssl::stream<Socket&> stream;
  // Asio's stream reads ahead: what it holds already doesn't show at the socket.
  bool holds_bytes() {
    SSL* ssl = stream.native_handle();
    return SSL_has_pending(ssl) == 1 || BIO_pending(SSL_get_rbio(ssl)) > 0;
  }
};

SocketStream::SocketStream(Socket socket, std::shared_ptr<ssl_ctx_st> tls)
    : socket_(std::move(socket)), tls_(tls ? std::make_unique<Tls>(socket_, tls.get()) : nullptr) {}
SocketStream::~SocketStream() = default;

asio::awaitable<void> SocketStream::handshake(ErrorCode& error) {
  error = {};
  if (!tls_) co_return;
  co_await tls_->stream.async_handshake(asio::ssl::stream_base::server,
                                        asio::redirect_error(asio::use_awaitable, error));
  if (!error) note_shown_certificate(tls_->stream.native_handle(), system_clock().wall_now());
}

asio::awaitable<void> SocketStream::handshake_with(const std::string& host, ErrorCode& error, std::string& why) {
  error = {};
  if (!tls_) co_return;
  SSL* ssl = tls_->stream.native_handle();
  const bool address = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
  const bool named = address || (SSL_set1_host(ssl, host.c_str()) == 1 &&
                                 SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                                          const_cast<char*>(host.c_str())) == 1);  // the macro casts C's way
  if (!named) {
    error = asio::error::invalid_argument;
    co_return;
  }
  co_await tls_->stream.async_handshake(asio::ssl::stream_base::client,
                                        asio::redirect_error(asio::use_awaitable, error));
  const long verified = SSL_get_verify_result(ssl);
  if (error && verified != X509_V_OK) why = X509_verify_cert_error_string(verified);
}

std::optional<TlsPeerCertificate> SocketStream::peer_certificate() const {
  return tls_ ? peer_certificate_of(tls_->stream.native_handle()) : std::nullopt;
}

// No coroutine of its own: a plain connection costs what its socket does.
asio::awaitable<std::size_t> SocketStream::read_some(asio::mutable_buffer buffer, ErrorCode& error) {
  if (tls_) return read_some_of_tls(buffer, error);
  return socket_.async_read_some(buffer, asio::redirect_error(asio::use_awaitable, error));
}

asio::awaitable<std::size_t> SocketStream::read_some_of_tls(asio::mutable_buffer buffer, ErrorCode& error) {
  const std::size_t bytes =
      co_await tls_->stream.async_read_some(buffer, asio::redirect_error(asio::use_awaitable, error));
  if (error == asio::ssl::error::stream_truncated) error = asio::error::eof;
  co_return bytes;
}

asio::awaitable<std::size_t> SocketStream::write(std::string_view first, std::string_view second, ErrorCode& error) {
  const std::array<asio::const_buffer, 2> buffers{asio::buffer(first.data(), first.size()),
                                                  asio::buffer(second.data(), second.size())};
  if (tls_) return asio::async_write(tls_->stream, buffers, asio::redirect_error(asio::use_awaitable, error));
  return asio::async_write(socket_, buffers, asio::redirect_error(asio::use_awaitable, error));
}

bool SocketStream::has_bytes() const {
  ErrorCode error;
  return (tls_ && tls_->holds_bytes()) || (socket_.available(error) > 0 && !error);
}

asio::awaitable<void> SocketStream::end_sending(ErrorCode& error) {
  if (tls_) co_await tls_->stream.async_shutdown(asio::redirect_error(asio::use_awaitable, error));
  socket_.shutdown(Socket::shutdown_send, error);
}

asio::awaitable<std::size_t> SocketStream::discard_some(asio::mutable_buffer buffer, ErrorCode& error) {
  return socket_.async_read_some(buffer, asio::redirect_error(asio::use_awaitable, error));
}

void SocketStream::cancel() {
  ErrorCode ignored;
  socket_.cancel(ignored);
}

void SocketStream::close() {
  ErrorCode ignored;
  socket_.close(ignored);
}

std::string handshake_failure(const boost::system::error_code& error) {
  if (error == asio::error::eof || error == asio::ssl::error::stream_truncated) return "the peer left";
  if (error == asio::error::operation_aborted) return "it took too long";
  return error.message();
}

}  // namespace relay
