#include "intake/mllp_connection.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "intake/hl7_acknowledgement.hpp"

namespace relay {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t first_buffer_size = 4 * 1024;
constexpr std::size_t full_buffer_size = 32 * 1024;
// Half of what an instrument at the end of a serial line sends.
constexpr std::size_t slowest_bytes_per_second = 512;
constexpr std::chrono::seconds wait_for_end{1};
constexpr std::chrono::seconds linger_time{2};

MonotonicTime now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

MllpConnection::MllpConnection(StreamSocket socket, Peer peer, std::shared_ptr<ssl_ctx_st> tls,
                               std::shared_ptr<MllpShared> shared)
    : stream_(std::move(socket), std::move(tls)), peer_(std::move(peer)), shared_(std::move(shared)) {}

asio::awaitable<void> MllpConnection::run() {
  const auto self = shared_from_this();
  bool going_on = co_await open();
  while (going_on) going_on = co_await step();
  message_.reset();
  stream_.close();
}

asio::awaitable<bool> MllpConnection::open() {
  co_return true;
}

asio::awaitable<bool> MllpConnection::step() {
  const std::size_t before = unread_.size();
  const MllpFrameScanner::Step step = scanner_.next(unread_);
  window_bytes_ += before - unread_.size();
  switch (step.kind) {
    case MllpFrameScanner::Kind::need_more:
      co_return co_await receive();
    case MllpFrameScanner::Kind::outside:
      co_return note_outside(step.bytes.size());
    case MllpFrameScanner::Kind::begin:
      outside_ = 0;
      window_waited_ = {};
      window_bytes_ = 0;
      message_.emplace(shared_->rules(), client_, shared_->receiver);
      co_return true;
    case MllpFrameScanner::Kind::content:
      co_return co_await take(step.bytes);
    case MllpFrameScanner::Kind::interrupted:
      drop_frame(MllpEvent::interrupted_frame, ProblemName::malformed_request);
      co_return true;
    case MllpFrameScanner::Kind::end:
      break;
  }
  co_return co_await end_frame();
}

// Nothing of it is a message; a peer that sends nothing else speaks another protocol.
bool MllpConnection::note_outside(std::size_t bytes) {
  if (outside_ == 0) shared_->events.note(MllpEvent::outside_bytes, peer_.address);
  outside_ += bytes;
  return outside_ <= 2 * shared_->rules()->max_payload.value;
}

asio::awaitable<bool> MllpConnection::take(std::string_view bytes) {
  const MllpMessage::Going going = co_await message_->take(bytes);
  if (going == MllpMessage::Going::on) co_return true;
  if (going == MllpMessage::Going::oversized) {
    shared_->events.note(MllpEvent::oversized_frame, peer_.address);
    message_.reset();
    co_await linger();
    co_return false;
  }
  co_return co_await close_without_answer();
}

asio::awaitable<bool> MllpConnection::end_frame() {
  const auto verdict = co_await message_->finish();
  if (!verdict) {
    message_.reset();
    co_return true;
  }
  const MllpListenerSettings& listener = message_->rules().listener;
  const auto code = answer_to(verdict->kind, listener.ack, message_->accept_acknowledgement_type());
  const bool unavailable = verdict->kind == MllpVerdict::Kind::unavailable;
  // A sender that wants to hear nothing of it hears it all the same: it would take silence for success.
  if (unavailable && (!code || listener.when_unavailable == WhenUnavailable::close)) {
    co_return co_await close_without_answer();
  }
  std::string answer;
  if (code) {
    answer =
        mllp_start + write_acknowledgement(acknowledged_message(message_->headers()), *code, verdict->error,
                                           acknowledgement_control_id(shared_->ids.next()), shared_->clock.wall_now());
    answer += mllp_end;
  }
  message_.reset();
  co_return answer.empty() || co_await write(answer);
}

asio::awaitable<bool> MllpConnection::close_without_answer() {
  shared_->events.note(MllpEvent::closed_unavailable, peer_.address);
  message_.reset();
  co_await linger();
  co_return false;
}

asio::awaitable<bool> MllpConnection::write(std::string_view text) {
  set_deadline(now() + shared_->rules()->request_timeout);
  error_code error;
  co_await stream_.write(text, {}, error);
  deadline_ = 0;
  if (!error) co_return true;
  shared_->events.note(MllpEvent::unread_answer, peer_.address);
  co_return false;
}

void MllpConnection::drop_frame(MllpEvent event, ProblemName reason) {
  shared_->events.note(event, peer_.address);
  shared_->receiver.count_refusal(Intake::mllp, reason);
  message_.reset();
}

// ---- Bytes and deadlines --------------------------------------------------------------------------------------------

// The scanner takes all that it is given: what comes next goes to the front of the buffer.
asio::awaitable<bool> MllpConnection::receive() {
  if (scanner_.at_end_mark()) co_return co_await receive_end_mark();
  const bool inside = scanner_.inside();
  idle_ = !inside;
  // What has arrived before the stop is answered all the same.
  if (idle_ && shared_->stopping && !stream_.has_bytes()) co_return false;
  ReadEnd end = ReadEnd::bytes;
  if (idle_) end = co_await wait_readable();
  const auto limit = shared_->rules()->request_timeout;
  const MonotonicTime start = now();
  if (end == ReadEnd::bytes) end = co_await read_some(inside ? start + limit : MonotonicTime::max());
  idle_ = false;
  if (inside) window_waited_ += now() - start;
  if (end == ReadEnd::bytes && !too_slow()) co_return true;
  if (end == ReadEnd::stopped) co_return true;
  co_return end_at_failed_read(end == ReadEnd::bytes ? ReadEnd::expired : end);
}

bool MllpConnection::end_at_failed_read(ReadEnd end) {
  if (!scanner_.inside()) return false;
  if (end == ReadEnd::expired) {
    drop_frame(MllpEvent::stalled_frame, ProblemName::request_timeout);
  } else {
    drop_frame(MllpEvent::unfinished_frame, ProblemName::malformed_request);
  }
  return false;
}

bool MllpConnection::too_slow() {
  if (!scanner_.inside() || window_waited_ < shared_->rules()->request_timeout) return false;
  const double seconds = std::chrono::duration<double>(window_waited_).count();
  const bool slow = static_cast<double>(window_bytes_) < seconds * slowest_bytes_per_second;
  window_waited_ = {};
  window_bytes_ = 0;
  return slow;
}

// The message may be whole: it is taken where nothing more comes soon, or ever.
asio::awaitable<bool> MllpConnection::receive_end_mark() {
  asio::steady_timer timer(co_await asio::this_coro::executor, wait_for_end);
  bool over = false;
  timer.async_wait([this, &over](error_code error) {
    if (error) return;
    over = true;
    stream_.cancel();
  });
  const ReadEnd end = co_await read_some(MonotonicTime::max());
  timer.cancel();
  if (end == ReadEnd::bytes) co_return true;
  if (end == ReadEnd::stopped && !over) co_return true;
  if (end == ReadEnd::failed) co_return end_at_failed_read(end);
  scanner_.end_at_mark();
  co_return co_await end_frame();
}

// A connection that says nothing for days holds its socket and little else.
asio::awaitable<MllpConnection::ReadEnd> MllpConnection::wait_readable() {
  if (stream_.is_tls()) co_return ReadEnd::bytes;
  buffer_ = {};
  unread_ = {};
  error_code error;
  co_await stream_.socket().async_wait(StreamSocket::wait_read, asio::redirect_error(asio::use_awaitable, error));
  co_return error ? read_end(error) : ReadEnd::bytes;
}

asio::awaitable<MllpConnection::ReadEnd> MllpConnection::read_some(MonotonicTime deadline) {
  if (buffer_.empty()) buffer_.resize(first_buffer_size);
  if (std::exchange(filled_, false)) buffer_.resize(full_buffer_size);
  set_deadline(deadline);
  error_code error;
  const asio::mutable_buffer room = asio::buffer(buffer_);
  const std::size_t bytes = co_await stream_.read_some(room, error);
  deadline_ = 0;
  unread_ = std::string_view(buffer_.data(), bytes);
  filled_ = bytes == buffer_.size();
  co_return error ? read_end(error) : ReadEnd::bytes;
}

MllpConnection::ReadEnd MllpConnection::read_end(const error_code& error) const {
  if (error == asio::error::eof) return ReadEnd::end_of_stream;
  if (error != asio::error::operation_aborted || !stream_.socket().is_open()) return ReadEnd::failed;
  return expired_ ? ReadEnd::expired : ReadEnd::stopped;
}

// Sends the end of the stream and reads on for a while: closing with bytes unread would reset the connection, and the
// peer might lose earlier answers with it.
asio::awaitable<void> MllpConnection::linger() {
  const MonotonicTime end = now() + linger_time;
  error_code error;
  set_deadline(end);
  co_await stream_.end_sending(error);
  if (buffer_.empty()) buffer_.resize(first_buffer_size);
  const asio::mutable_buffer room = asio::buffer(buffer_);
  while (!error && now() < end) {
    set_deadline(end);
    co_await stream_.discard_some(room, error);
  }
  deadline_ = 0;
}

void MllpConnection::set_deadline(MonotonicTime deadline) {
  expired_ = false;
  deadline_ = deadline == MonotonicTime::max() ? 0 : deadline.time_since_epoch().count();
}

// ---- From other threads ---------------------------------------------------------------------------------------------

void MllpConnection::stop_when_idle() {
  asio::post(stream_.socket().get_executor(), [self = shared_from_this()] {
    if (self->idle_) self->stream_.cancel();
  });
}

void MllpConnection::close() {
  asio::post(stream_.socket().get_executor(), [self = shared_from_this()] { self->stream_.close(); });
}

void MllpConnection::expire(MonotonicTime now_) {
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
