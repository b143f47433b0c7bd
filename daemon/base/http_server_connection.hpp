// One connection of the HTTP server: reads requests, has them handled one after the other, writes the answers. Runs on
// a strand of its own; what may be called from elsewhere says so.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/strand.hpp>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/connection_server.hpp"
#include "base/http_server.hpp"
#include "base/http_server_parser.hpp"
#include "base/socket_connection.hpp"

namespace relay {

// What all connections of a server share.
struct HttpConnectionShared {
  HttpServerOptions options;
  HttpHandler handler;
  HttpFramingAnswer framing_answer;
  std::atomic<bool> stopping = false;
  std::atomic<MonotonicTime::rep> handshake_told = 0;  // when a failed one was last written to the log
};

// A stop ends it once `shared.stopping` is set and nothing is under way.
class HttpConnection : public SocketConnection {
 public:
  // `tls`: TlsContext::current(), or nullptr for a plain connection.
  HttpConnection(StreamSocket socket, HttpPeer peer, std::shared_ptr<ssl_ctx_st> tls,
                 std::shared_ptr<HttpConnectionShared> shared);

  boost::asio::awaitable<void> run() override;

 private:
  class Body;
  enum class HeadEnd { request, closed, malformed, too_large, timed_out };

  // Unread bytes of the connection.
  std::string_view unread() const { return {buffer_.data() + begin_, end_ - begin_}; }
  void consume(std::size_t bytes);
  // Room for more behind what is unread, at most `limit` bytes in all.
  bool make_room(std::size_t limit);
  void give_memory_back();

  boost::asio::awaitable<bool> open();
  void tell_of_failed_handshake(const boost::system::error_code& error);
  boost::asio::awaitable<void> serve();
  boost::asio::awaitable<ReadEnd> read_more(MonotonicTime deadline);
  boost::asio::awaitable<HeadEnd> read_head(bool first_request);
  boost::asio::awaitable<HttpResponse> handle(Body& body);
  boost::asio::awaitable<bool> write(std::string_view head, std::string_view body);
  boost::asio::awaitable<bool> answer(const HttpResponse& response, bool keep_alive);
  boost::asio::awaitable<bool> write_pieces(const HttpResponse& response, bool chunked);
  boost::asio::awaitable<void> refuse(HttpFramingProblem problem);

  const std::shared_ptr<HttpConnectionShared> shared_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::optional<HttpRequestParser> parser_;
  bool filled_ = false;  // the last read filled the buffer
};

}  // namespace relay
