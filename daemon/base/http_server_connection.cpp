#include "base/http_server_connection.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>
#include <exception>
#include <utility>

#include "base/http_server_message.hpp"
#include "base/log.hpp"

namespace relay {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t first_buffer_size = 4 * 1024;
// One more than the section may have, so that a longer one is seen to be longer.
constexpr std::size_t head_buffer_size = max_header_section + 1;
constexpr std::size_t body_buffer_size = 32 * 1024;
constexpr std::size_t slowest_bytes_per_second = 16 * 1024;
// A client still sends when its request is refused: it must read the answer before it sees a reset.
constexpr std::chrono::seconds linger_time{5};
constexpr std::chrono::seconds handshake_lines_apart{10};

MonotonicTime now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

// ---- The body of the request under way ------------------------------------------------------------------------------

class HttpConnection::Body final : public HttpBody {
 public:
  explicit Body(HttpConnection& connection)
      : connection_(connection),
        chunked_(connection.parser_->head().chunked),
        remaining_(connection.parser_->head().content_length.value_or(ByteCount{0}).value),
        finished_(!chunked_ && remaining_ == 0),
        continue_wanted_(!finished_ && connection.parser_->expects_continue()) {}

  asio::awaitable<Result<std::string_view, HttpBodyError>> read() override {
    release();
    if (failure_) co_return Failure{*failure_};
    while (!finished_) {
      if (auto piece = take_piece()) {
        if (piece->empty()) continue;
        co_return *piece;
      }
      if (failure_) co_return Failure{*failure_};
      if (auto failure = co_await receive()) {
        failure_ = failure;
        co_return Failure{*failure};
      }
    }
    co_return std::string_view();
  }

  // Every byte of it has been handed out.
  bool finished() const { return finished_ && !failure_; }
  void release() { connection_.consume(std::exchange(handed_out_, 0)); }

 private:
  // What is there already; nothing: more has to come first. An empty piece is progress without bytes.
  std::optional<std::string_view> take_piece() { return chunked_ ? take_chunk() : take_fixed(); }

  std::optional<std::string_view> take_fixed() {
    const std::string_view piece = connection_.unread().substr(0, remaining_);
    if (piece.empty()) return std::nullopt;
    remaining_ -= piece.size();
    finished_ = remaining_ == 0;
    handed_out_ = piece.size();
    return piece;
  }

  std::optional<std::string_view> take_chunk() {
    const auto chunk = connection_.parser_->next_chunk(connection_.unread());
    using State = HttpRequestParser::ChunkState;
    if (chunk.state == State::malformed) failure_ = HttpBodyError::malformed;
    if (chunk.state == State::malformed || chunk.state == State::need_more) {
      connection_.consume(chunk.consumed);
      return std::nullopt;
    }
    finished_ = chunk.state == State::end;
    if (chunk.bytes.empty()) {
      connection_.consume(chunk.consumed);
    } else {
      handed_out_ = chunk.consumed;
    }
    return chunk.bytes;
  }

  asio::awaitable<std::optional<HttpBodyError>> receive() {
    if (std::exchange(continue_wanted_, false) && connection_.unread().empty()) {
      if (!co_await connection_.write("HTTP/1.1 100 Continue\r\n\r\n", {})) co_return HttpBodyError::disconnected;
    }
    if (!connection_.make_room(body_buffer_size)) co_return HttpBodyError::malformed;
    const auto limit = connection_.shared_->options.request_timeout;
    const MonotonicTime start = now();
    // A window of `limit` in which the average is looked at; only time spent waiting for the sender counts.
    for (;;) {
      const std::size_t before = connection_.unread().size();
      const MonotonicTime wait_start = now();
      const MonotonicTime window_end = wait_start + (limit - window_waited_);
      const ReadEnd end = co_await connection_.read_more(std::min<MonotonicTime>(start + limit, window_end));
      window_waited_ += now() - wait_start;
      window_bytes_ += connection_.unread().size() - before;
      if (end == ReadEnd::end_of_stream) co_return HttpBodyError::malformed;
      if (end == ReadEnd::failed || end == ReadEnd::stopped) co_return HttpBodyError::disconnected;
      if (end == ReadEnd::expired && now() - start >= limit) co_return HttpBodyError::timed_out;
      if (window_waited_ >= limit) {
        const double seconds = std::chrono::duration<double>(window_waited_).count();
        if (static_cast<double>(window_bytes_) < seconds * slowest_bytes_per_second) co_return HttpBodyError::too_slow;
        window_waited_ = {};
        window_bytes_ = 0;
      }
      if (end == ReadEnd::bytes) co_return std::nullopt;
    }
  }

  HttpConnection& connection_;
  const bool chunked_;
  std::uint64_t remaining_;
  bool finished_;
  bool continue_wanted_;
  std::size_t handed_out_ = 0;
  std::optional<HttpBodyError> failure_;
  MonotonicTime::duration window_waited_{};
  std::size_t window_bytes_ = 0;
};

// ---- The connection -------------------------------------------------------------------------------------------------

HttpConnection::HttpConnection(StreamSocket socket, HttpPeer peer, std::shared_ptr<ssl_ctx_st> tls,
                               std::shared_ptr<HttpConnectionShared> shared)
    : SocketConnection(std::move(socket), std::move(peer), std::move(tls)), shared_(std::move(shared)) {}

asio::awaitable<void> HttpConnection::run() {
  const auto self = shared_from_this();
  if (co_await open()) co_await serve();
  stream().close();
}

asio::awaitable<bool> HttpConnection::open() {
  error_code error;
  co_await handshake(shared_->options.request_timeout, error);
  if (error && read_end(error) != ReadEnd::stopped) tell_of_failed_handshake(error);
  co_return !error;
}

// A sender whose certificate isn't taken has nothing but this line to go by; a scanner must fill no disk.
void HttpConnection::tell_of_failed_handshake(const error_code& error) {
  if (!stream().socket().is_open()) return;
  const MonotonicTime::rep at = now().time_since_epoch().count();
  MonotonicTime::rep before = shared_->handshake_told;
  if (before != 0 && at - before < MonotonicTime::duration(handshake_lines_apart).count()) return;
  if (!shared_->handshake_told.compare_exchange_strong(before, at)) return;
  log_info(
      "a TLS handshake failed",
      {{"listen", shared_->options.listen.text()}, {"peer", peer().address}, {"reason", handshake_failure(error)}});
}

asio::awaitable<void> HttpConnection::serve() {
  for (bool first = true;; first = false) {
    const HeadEnd end = co_await read_head(first);
    if (end == HeadEnd::malformed) co_await refuse(HttpFramingProblem::malformed_request);
    if (end == HeadEnd::too_large) co_await refuse(HttpFramingProblem::headers_too_large);
    if (end == HeadEnd::timed_out) co_await refuse(HttpFramingProblem::request_timeout);
    if (end != HeadEnd::request) break;

    Body body(*this);
    const HttpResponse response = co_await handle(body);
    body.release();
    const bool ends_with_connection = response.pieces && parser_->http_1_0();
    const bool keep_alive =
        body.finished() && parser_->keep_alive() && !response.close && !ends_with_connection && !shared_->stopping;
    if (!co_await answer(response, keep_alive)) break;
    if (!keep_alive) {
      // A client that said "close" itself sends nothing more.
      const bool all_read = body.finished() && unread().empty() && !parser_->keep_alive();
      if (!all_read) {
        co_await linger(linger_time);
      } else if (stream().is_tls()) {
        co_await say_goodbye();
      }
      break;
    }
    parser_.reset();
    give_memory_back();
  }
  error_code ignored;
  stream().socket().shutdown(StreamSocket::shutdown_both, ignored);
}

asio::awaitable<HttpConnection::HeadEnd> HttpConnection::read_head(bool first_request) {
  const auto& options = shared_->options;
  HttpHeadScanner scanner;
  MonotonicTime deadline = now() + (first_request ? options.request_timeout : options.idle_timeout);
  bool started = false;
  for (;;) {
    // RFC 9112 section 2.2: empty lines before a request are nothing.
    while (!started && unread().starts_with("\r\n")) consume(2);
    if (!started && !unread().empty() && unread() != "\r") {
      started = true;
      deadline = now() + options.request_timeout;
    }
    if (started) {
      const auto state = scanner.scan(unread());
      if (state == HttpHeadScanner::State::malformed) co_return HeadEnd::malformed;
      if (state == HttpHeadScanner::State::too_large) co_return HeadEnd::too_large;
      if (state == HttpHeadScanner::State::complete) break;
    }
    make_room(head_buffer_size);
    set_idle(!started);
    // A request that has arrived before the stop is answered all the same.
    if (idle() && shared_->stopping && !stream().has_bytes()) co_return HeadEnd::closed;
    const ReadEnd end = co_await read_more(deadline);
    set_idle(false);
    if (end == ReadEnd::bytes || end == ReadEnd::stopped) continue;
    if (!started) co_return HeadEnd::closed;
    if (end == ReadEnd::expired) co_return HeadEnd::timed_out;
    co_return end == ReadEnd::end_of_stream ? HeadEnd::malformed : HeadEnd::closed;
  }
  parser_.emplace();
  const bool sound = parser_->parse_head(unread().substr(0, scanner.size()), peer());
  consume(scanner.size());
  co_return sound ? HeadEnd::request : HeadEnd::malformed;
}

asio::awaitable<HttpResponse> HttpConnection::handle(Body& body) {
  try {
    co_return co_await shared_->handler(parser_->head(), body);
  } catch (const std::exception& bug) {
    log_error("an HTTP request failed inside the relay", {{"reason", bug.what()}});
  }
  HttpResponse response;
  response.status = 500;
  response.close = true;
  co_return response;
}

asio::awaitable<bool> HttpConnection::answer(const HttpResponse& response, bool keep_alive) {
  const bool http_1_0 = parser_ && parser_->http_1_0();
  const bool head_only = parser_ && parser_->head().method == "HEAD";
  const std::string head = response_head(response, keep_alive, http_1_0, system_clock().wall_now());
  if (!response.pieces || head_only) {
    co_return co_await write(head, head_only ? std::string_view() : std::string_view(response.body));
  }
  if (!co_await write(head, {})) co_return false;
  co_return co_await write_pieces(response, !http_1_0);
}

// To an HTTP/1.0 client the connection's end is the body's.
asio::awaitable<bool> HttpConnection::write_pieces(const HttpResponse& response, bool chunked) {
  for (;;) {
    Result<std::string> piece = fail("");
    try {
      piece = co_await response.pieces();
    } catch (const std::exception& bug) {
      log_error("an HTTP answer failed inside the relay", {{"reason", bug.what()}});
    }
    if (!piece) co_return false;
    if (piece->empty()) break;
    if (chunked) *piece = chunk_of(*piece);
    if (!co_await write(*piece, {})) co_return false;
  }
  if (!chunked) co_return true;
  co_return co_await write("0\r\n\r\n", {});
}

asio::awaitable<void> HttpConnection::refuse(HttpFramingProblem problem) {
  parser_.reset();
  const HttpResponse response = shared_->framing_answer(problem);
  if (co_await answer(response, false)) co_await linger(linger_time);
}

// ---- Bytes and deadlines --------------------------------------------------------------------------------------------

void HttpConnection::consume(std::size_t bytes) {
  begin_ += bytes;
  if (begin_ == end_) begin_ = end_ = 0;
}

bool HttpConnection::make_room(std::size_t limit) {
  // A buffer that the last read filled is too small for what is coming.
  const bool grow = std::exchange(filled_, false) && buffer_.size() < limit;
  if (end_ < buffer_.size() && !grow) return true;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (grow || buffer_.empty()) buffer_.resize(buffer_.empty() ? first_buffer_size : limit);
  return end_ < buffer_.size();
}

void HttpConnection::give_memory_back() {
  if (buffer_.size() <= head_buffer_size || end_ - begin_ > first_buffer_size) return;
  std::vector<char> smaller(first_buffer_size);
  std::memcpy(smaller.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  buffer_ = std::move(smaller);
}

asio::awaitable<HttpConnection::ReadEnd> HttpConnection::read_more(MonotonicTime deadline) {
  set_deadline(deadline);
  error_code error;
  const asio::mutable_buffer room = asio::buffer(buffer_.data() + end_, buffer_.size() - end_);
  const std::size_t bytes = co_await stream().read_some(room, error);
  end_deadline();
  end_ += bytes;
  filled_ = end_ == buffer_.size();
  co_return read_end(error);
}

asio::awaitable<bool> HttpConnection::write(std::string_view head, std::string_view body) {
  // A peer that doesn't read must not hold the answer's memory: it has the time that a slow body has.
  const auto at_slowest = std::chrono::seconds((head.size() + body.size()) / slowest_bytes_per_second);
  set_deadline(now() + shared_->options.request_timeout + at_slowest);
  error_code error;
  co_await stream().write(head, body, error);
  end_deadline();
  co_return !error;
}

}  // namespace relay
