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
#include "base/socket_stream.hpp"

namespace relay {

// What all connections of a server share.
struct HttpConnectionShared {
  HttpServerOptions options;
  HttpHandler handler;
  HttpFramingAnswer framing_answer;
  std::atomic<bool> stopping = false;
  std::atomic<MonotonicTime::rep> handshake_told = 0;  // when a failed one was last written to the log
};

class HttpConnection : public ServedConnection, public std::enable_shared_from_this<HttpConnection> {
 public:
  using Socket = StreamSocket;

  // `tls`: TlsContext::current(), or nullptr for a plain connection.
  HttpConnection(Socket socket, HttpPeer peer, std::shared_ptr<ssl_ctx_st> tls,
                 std::shared_ptr<HttpConnectionShared> shared);

  boost::asio::awaitable<void> run() override;
  // Ends it once `shared.stopping` is set and nothing is under way.
  void stop_when_idle() override;
  void close() override;
  void expire(MonotonicTime now) override;

 private:
  class Body;
  enum class ReadEnd { bytes, end_of_stream, expired, stopped, failed };
  enum class HeadEnd { request, closed, malformed, too_large, timed_out };

  // Unread bytes of the connection.
  std::string_view unread() const { return {buffer_.data() + begin_, end_ - begin_}; }
  void consume(std::size_t bytes);
  // Room for more behind what is unread, at most `limit` bytes in all.
  bool make_room(std::size_t limit);
  void give_memory_back();

  boost::asio::awaitable<bool> handshake();
  void tell_of_failed_handshake(const boost::system::error_code& error);
  boost::asio::awaitable<void> serve();
  boost::asio::awaitable<ReadEnd> read_more(MonotonicTime deadline);
  boost::asio::awaitable<HeadEnd> read_head(bool first_request);
  boost::asio::awaitable<HttpResponse> handle(Body& body);
  boost::asio::awaitable<bool> write(std::string_view head, std::string_view body);
  boost::asio::awaitable<bool> answer(const HttpResponse& response, bool keep_alive);
  boost::asio::awaitable<bool> write_pieces(const HttpResponse& response, bool chunked);
  boost::asio::awaitable<void> refuse(HttpFramingProblem problem);
  boost::asio::awaitable<void> say_goodbye();
  boost::asio::awaitable<void> linger();
  void set_deadline(MonotonicTime deadline);

  SocketStream stream_;
  HttpPeer peer_;
  const std::shared_ptr<HttpConnectionShared> shared_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::optional<HttpRequestParser> parser_;
  std::atomic<MonotonicTime::rep> deadline_ = 0;  // 0: nothing is waited for
  bool expired_ = false;
  bool idle_ = false;             // between requests
  bool filled_ = false;           // the last read filled the buffer
  MonotonicTime linger_until_{};  // set once the last answer is out
};

}  // namespace relay
