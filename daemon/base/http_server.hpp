// The HTTP/1.1 server that both listeners share (intake and operator): sockets, framing, limits and time-outs. It knows
// nothing of the relay; what a request means is the handler's. Beast stays inside http_server_parser.cpp, as a parser.
//
// Promises, each connection: keep-alive and pipelining (answers in order); bodies with Content-Length or chunked;
// "100 Continue" on the first read() of a body that asked for it; header section over 16 KiB → 431; both Content-Length
// and Transfer-Encoding, or anything that two parsers could read in two ways → 400 and close (RFC 9112 sections 6.1,
// 6.3, 11.2); headers not complete within `request_timeout` → 408 (an idle keep-alive connection is closed silently); a
// body from which no byte came for `request_timeout`, or under 16 KiB/s on average over it → read() says so. A handler
// that answers without having read the body to its end closes the connection after the answer. Connections beyond
// `max_connections` wait in the backlog. A TLS handshake has `request_timeout` too; why one failed is logged, at most
// once in ten seconds. Everything runs on the io_context's threads, the steps of a connection
// one behind the other.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_count.hpp"
#include "base/connection_server.hpp"
#include "base/listen_address.hpp"
#include "base/result.hpp"
#include "base/tls_context.hpp"

namespace relay {

struct HttpField {
  std::string name;
  std::string value;
};

using HttpPeer = Peer;

struct HttpRequestHead {
  std::string method;
  std::string target;  // as sent
  std::string path;    // target up to '?', percent-decoding left to the reader
  std::string query;   // behind '?', without it
  std::vector<HttpField> fields;
  std::optional<ByteCount> content_length{};  // nothing for a chunked body; 0 for none
  bool chunked = false;
  HttpPeer peer;

  // The first value of that name (case-insensitive), nothing where it is absent.
  std::optional<std::string_view> field(std::string_view name) const;
  std::vector<std::string_view> all(std::string_view name) const;
  // Decoded value of a query parameter (application/x-www-form-urlencoded); nothing where absent or malformed.
  std::optional<std::string> query_parameter(std::string_view name) const;
};

struct HttpResponse {
  unsigned status = 200;
  std::vector<HttpField> fields;  // Content-Length, Date, Server and Connection are the server's
  std::string body;
  bool close = false;
  // A body of unknown length, sent chunked: asked for the next bytes until it gives none; `body` stays empty then. An
  // error cuts the connection, so that nobody takes a part for the whole.
  std::function<boost::asio::awaitable<Result<std::string>>()> pieces{};
};

enum class HttpBodyError {
  malformed,     // chunk framing broken, or the peer closed in the middle
  timed_out,     // no byte for request_timeout
  too_slow,      // under 16 KiB/s on average over request_timeout
  disconnected,  // nobody is there to answer
};

class HttpBody {
 public:
  virtual ~HttpBody() = default;
  // The next bytes, valid until the next read(); empty at the end of the body.
  virtual boost::asio::awaitable<Result<std::string_view, HttpBodyError>> read() = 0;
};

// What the server refuses by itself, so that the owner can word the answer (problem+json).
enum class HttpFramingProblem { malformed_request, headers_too_large, request_timeout };

using HttpHandler = std::function<boost::asio::awaitable<HttpResponse>(const HttpRequestHead&, HttpBody&)>;
using HttpFramingAnswer = std::function<HttpResponse(HttpFramingProblem)>;

struct HttpServerOptions {
  ListenAddress listen;
  std::chrono::milliseconds request_timeout{30'000};
  std::chrono::milliseconds idle_timeout{75'000};  // between requests of a kept connection
  std::size_t max_connections = 1024;
  std::string socket_group;  // of a Unix socket; empty: left as it is
  unsigned socket_mode = 0660;
  std::shared_ptr<TlsContext> tls{};  // nullptr: plain
};

class HttpServer {
 public:
  HttpServer(ServingContext context, HttpServerOptions options, HttpHandler handler, HttpFramingAnswer framing_answer);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Binds, listens and starts to accept. A Unix socket file nobody answers on is replaced, a live one is "in use"; so
  // is a busy port. The error names the address and the way out.
  Result<void> start();
  // The port that was really bound (for port 0).
  std::uint16_t port() const;

  // Thread-safe. For the connections that come from now on; the address, the socket's group and mode, and
  // max_connections stay as they were.
  void change(HttpServerOptions options);
  // Thread-safe. Stops accepting and closes idle connections; requests under way are answered, each with
  // "Connection: close". `drained` runs once when the last connection is gone.
  void stop(std::function<void()> drained);
  // Thread-safe. Cuts what is still open.
  void close_all();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace relay
