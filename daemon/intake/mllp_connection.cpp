#include "intake/mllp_connection.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "intake/hl7_acknowledgement.hpp"
#include "intake/listener_access.hpp"

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

std::string client_ca_of(const MllpRules& rules) {
  return rules.listener.tls ? rules.listener.tls->files.client_ca : std::string();
}

}  // namespace

MllpConnection::MllpConnection(StreamSocket socket, Peer peer, std::shared_ptr<ssl_ctx_st> tls,
                               const std::shared_ptr<const MllpRules>& rules, std::shared_ptr<MllpShared> shared)
    : SocketConnection(std::move(socket), std::move(peer), std::move(tls)),
      shared_(std::move(shared)),
      client_ca_(client_ca_of(*rules)) {}

asio::awaitable<void> MllpConnection::run() {
  const auto self = shared_from_this();
  bool going_on = co_await open();
  while (going_on) going_on = co_await step();
  message_.reset();
  stream().close();
}

asio::awaitable<bool> MllpConnection::open() {
  error_code error;
  co_await handshake(shared_->rules()->request_timeout, error);
  if (error) {
    if (stream().socket().is_open() && read_end(error) != ReadEnd::stopped) {
      shared_->events.note(MllpEvent::failed_handshake, peer().address, handshake_failure(error));
    }
    co_return false;
  }
  if (may_send(*shared_->rules())) co_return true;
  co_await say_goodbye();
  co_return false;
}

// Connections live for months: whom a reload keeps out sends nothing more on one that was open before.
bool MllpConnection::may_send(const MllpRules& rules) {
  const MllpListenerSettings& listener = rules.listener;
  client_.reset();
  if (!listener.may_connect(peer().address)) return refuse_peer(MllpEvent::foreign_address);
  if (!listener.tls) return true;
  if (!peer().tls) return refuse_peer(MllpEvent::missing_certificate);
  if (!listener.tls->asks_for_certificates()) return true;
  if (!peer().certificate || client_ca_of(rules) != client_ca_) return refuse_peer(MllpEvent::missing_certificate);
  client_ = client_of_certificate(*listener.tls, *peer().certificate);
  if (client_) return true;
  // Where certificates name nobody at all, messages may.
  const bool messages_name = listener.tls->clients.empty() && !listener.clients.empty();
  if (messages_name) return true;
  client_ = listener.client;
  return client_ || refuse_peer(MllpEvent::unknown_certificate);
}

bool MllpConnection::refuse_peer(MllpEvent event) {
  shared_->events.note(event, peer().address);
  shared_->receiver.count_refusal(Intake::mllp, ProblemName::client_not_allowed);
  return false;
}

bool MllpConnection::begin_frame() {
  outside_ = 0;
  window_waited_ = {};
  window_bytes_ = 0;
  auto rules = shared_->rules();
  if (!may_send(*rules)) return false;
  message_.emplace(std::move(rules), client_, shared_->receiver);
  return true;
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
      if (begin_frame()) co_return true;
      co_await linger(linger_time);
      co_return false;
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
  if (outside_ == 0) shared_->events.note(MllpEvent::outside_bytes, peer().address);
  outside_ += bytes;
  return outside_ <= 2 * shared_->rules()->max_payload.value;
}

asio::awaitable<bool> MllpConnection::take(std::string_view bytes) {
  const MllpMessage::Going going = co_await message_->take(bytes);
  if (going == MllpMessage::Going::on) co_return true;
  if (going == MllpMessage::Going::oversized) {
    shared_->events.note(MllpEvent::oversized_frame, peer().address);
    message_.reset();
    co_await linger(linger_time);
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
  shared_->events.note(MllpEvent::closed_unavailable, peer().address);
  message_.reset();
  co_await linger(linger_time);
  co_return false;
}

asio::awaitable<bool> MllpConnection::write(std::string_view text) {
  set_deadline(now() + shared_->rules()->request_timeout);
  error_code error;
  co_await stream().write(text, {}, error);
  end_deadline();
  if (!error) co_return true;
  shared_->events.note(MllpEvent::unread_answer, peer().address);
  co_return false;
}

void MllpConnection::drop_frame(MllpEvent event, ProblemName reason) {
  shared_->events.note(event, peer().address);
  shared_->receiver.count_refusal(Intake::mllp, reason);
  message_.reset();
}

// ---- Bytes and deadlines --------------------------------------------------------------------------------------------

// The scanner takes all that it is given: what comes next goes to the front of the buffer.
asio::awaitable<bool> MllpConnection::receive() {
  if (scanner_.at_end_mark()) co_return co_await receive_end_mark();
  const bool inside = scanner_.inside();
  set_idle(!inside);
  // What has arrived before the stop is answered all the same.
  if (idle() && shared_->stopping && !stream().has_bytes()) co_return false;
  ReadEnd end = ReadEnd::bytes;
  if (idle()) end = co_await wait_readable();
  const auto limit = shared_->rules()->request_timeout;
  const MonotonicTime start = now();
  if (end == ReadEnd::bytes) end = co_await read_some(inside ? start + limit : MonotonicTime::max());
  set_idle(false);
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
    stream().cancel();
  });
  const ReadEnd end = co_await read_some(MonotonicTime::max());
  timer.cancel();
  if (end == ReadEnd::bytes) co_return true;
  if (end == ReadEnd::stopped && !over) co_return true;
  if (end == ReadEnd::failed) co_return end_at_failed_read(end);
  scanner_.end_at_mark();
  co_return co_await end_frame();
}

// Under TLS what can be read may be no byte of a frame: the read that follows waits, too.
// A connection that says nothing for days holds its socket and little else.
asio::awaitable<MllpConnection::ReadEnd> MllpConnection::wait_readable() {
  if (stream().is_tls() && stream().has_bytes()) co_return ReadEnd::bytes;
  buffer_ = {};
  unread_ = {};
  error_code error;
  co_await stream().socket().async_wait(StreamSocket::wait_read, asio::redirect_error(asio::use_awaitable, error));
  co_return read_end(error);
}

asio::awaitable<MllpConnection::ReadEnd> MllpConnection::read_some(MonotonicTime deadline) {
  if (buffer_.empty()) buffer_.resize(first_buffer_size);
  if (std::exchange(filled_, false)) buffer_.resize(full_buffer_size);
  set_deadline(deadline);
  error_code error;
  const asio::mutable_buffer room = asio::buffer(buffer_);
  const std::size_t bytes = co_await stream().read_some(room, error);
  end_deadline();
  unread_ = std::string_view(buffer_.data(), bytes);
  filled_ = bytes == buffer_.size();
  co_return read_end(error);
}

}  // namespace relay
