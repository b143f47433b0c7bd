#include "destinations/mllp_link.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "base/tls_context.hpp"

namespace relay {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr std::size_t largest_frame = 1024 * 1024;  // of an acknowledgement
constexpr std::size_t most_frames = 64;             // that nobody has asked for
constexpr std::size_t most_committed = 4096;
// Of each address where there are several, so that one that hangs doesn't take the time of those behind it.
constexpr milliseconds longest_connect{10'000};

DeliveryError error_of(ErrorKind kind, std::string message) {
  DeliveryError error;
  error.kind = kind;
  error.message = std::move(message);
  return error;
}

}  // namespace

MllpLink::MllpLink(asio::io_context& context, const MllpDestinationSettings& settings, milliseconds timeout)
    : context_(context),
      settings_(settings),
      timeout_(timeout),
      resolver_(context),
      connecting_(context),
      deadline_(context),
      arrived_(context) {}

std::optional<WallTime> MllpLink::certificate_end() const {
  const auto shown = stream_ ? stream_->peer_certificate() : std::nullopt;
  return shown ? std::optional(shown->not_after) : std::nullopt;
}

std::string MllpLink::where() const {
  return settings_.host + ":" + std::to_string(settings_.port);
}

// ---- Opening --------------------------------------------------------------------------------------------------------

asio::awaitable<std::optional<DeliveryError>> MllpLink::open() {
  if (auto trouble = co_await look_up()) co_return trouble;
  if (auto trouble = co_await connect()) co_return trouble;
  if (auto trouble = co_await begin_tls()) {
    stream_.reset();
    co_return trouble;
  }
  asio::co_spawn(
      context_, [self = shared_from_this()] { return self->read_all(); }, asio::detached);
  co_return std::nullopt;
}

// Waits on the timer, not on the resolver, whose look-up goes on in its thread.
asio::awaitable<std::optional<DeliveryError>> MllpLink::look_up() {
  error_code failure = asio::error::timed_out;
  const auto outcome = std::make_shared<error_code>(failure);
  arrived_.expires_after(timeout_);
  resolver_.async_resolve(settings_.host, std::to_string(settings_.port), tcp::resolver::numeric_service,
                          [self = shared_from_this(), outcome](error_code error, tcp::resolver::results_type found) {
                            *outcome = error;
                            if (!error) self->addresses_ = std::move(found);
                            self->arrived_.cancel();
                          });
  co_await arrived_.async_wait(asio::redirect_error(asio::use_awaitable, failure));
  if (ended_) co_return error_of(ErrorKind::unreachable, "the connection to " + where() + " was given up");
  if (addresses_ && !addresses_->empty()) co_return std::nullopt;
  co_return error_of(ErrorKind::dns, "no address is known for " + settings_.host +
                                         (*outcome == asio::error::timed_out ? ": no answer in time" : ""));
}

asio::awaitable<std::optional<DeliveryError>> MllpLink::connect() {
  const milliseconds each = std::min(longest_connect, timeout_ / static_cast<long>(addresses_->size()));
  error_code error;
  for (const auto& address : *addresses_) {
    error_code ignored;
    connecting_.close(ignored);
    set_deadline(std::max(each, milliseconds(1)));
    co_await connecting_.async_connect(address.endpoint(), asio::redirect_error(asio::use_awaitable, error));
    clear_deadline();
    if (ended_ || !error) break;
    if (std::exchange(late_, false)) error = asio::error::timed_out;
  }
  if (ended_ || error)
    co_return error_of(ErrorKind::unreachable, "can't connect to " + where() + ": " + error.message());
  error_code ignored;
  connecting_.set_option(tcp::no_delay(true), ignored);
  connecting_.set_option(asio::socket_base::keep_alive(true), ignored);
  std::shared_ptr<ssl_ctx_st> tls;
  if (settings_.tls) {
    auto made = make_client_tls_context(
        {settings_.client_certificate.certificate, settings_.client_certificate.key, {}}, settings_.ca_file);
    if (!made) co_return error_of(ErrorKind::tls, "no TLS connection to " + where() + ": " + made.error().message);
    tls = std::move(*made);
  }
  stream_ = std::make_unique<SocketStream>(SocketStream::Socket(std::move(connecting_)), std::move(tls));
  co_return std::nullopt;
}

asio::awaitable<std::optional<DeliveryError>> MllpLink::begin_tls() {
  error_code error;
  std::string why;
  set_deadline(timeout_);
  co_await stream_->handshake_with(settings_.host, error, why);
  clear_deadline();
  if (!error && !ended_) co_return std::nullopt;
  co_return error_of(ErrorKind::tls,
                     "no TLS connection to " + where() + ": " + (why.empty() ? handshake_failure(error) : why));
}

// ---- Sending and hearing --------------------------------------------------------------------------------------------

asio::awaitable<std::size_t> MllpLink::write(std::string_view first, std::string_view second) {
  error_code error;
  set_deadline(timeout_);
  const std::size_t taken = co_await stream_->write(first, second, error);
  clear_deadline();
  if (error) close();
  co_return taken;
}

asio::awaitable<void> MllpLink::read_all() {
  std::array<char, 4096> buffer{};
  while (!ended_) {
    error_code error;
    const std::size_t count = co_await stream_->read_some(asio::buffer(buffer), error);
    tls_refused_ = error.category() == asio::error::get_ssl_category() && !ended_;
    if (error || !take({buffer.data(), count})) close();
  }
}

// False where the connection is good for nothing more.
bool MllpLink::take(std::string_view bytes) {
  using Kind = MllpFrameScanner::Kind;
  for (;;) {
    const MllpFrameScanner::Step step = scanner_.next(bytes);
    const bool at_mark = step.kind == Kind::need_more && scanner_.at_end_mark();
    if (at_mark) scanner_.end_at_mark();  // its CR may come in the next piece, or never
    if (step.kind == Kind::end || at_mark) {
      if (frames_.size() >= most_frames) return false;
      frames_.push_back(std::exchange(frame_, {}));
      arrived_.cancel();
    }
    switch (step.kind) {
      case Kind::need_more:
        return true;
      case Kind::outside:
        foreign_ = true;
        return false;
      case Kind::begin:
      case Kind::interrupted:
        frame_.clear();
        break;
      case Kind::content:
        if (frame_.size() + step.bytes.size() > largest_frame) return false;
        frame_ += step.bytes;
        break;
      case Kind::end:
        break;
    }
  }
}

asio::awaitable<MllpLink::Heard> MllpLink::next_frame(MonotonicTime until) {
  while (frames_.empty() && !ended_) {
    error_code woken;
    arrived_.expires_at(until);
    co_await arrived_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    if (!woken && frames_.empty() && !ended_) co_return Heard{Heard::Kind::nothing};
  }
  if (frames_.empty()) co_return Heard{foreign_ ? Heard::Kind::foreign : Heard::Kind::ended};
  Heard heard{Heard::Kind::frame, std::move(frames_.front())};
  frames_.pop_front();
  co_return heard;
}

void MllpLink::note_committed(std::string control_id) {
  committed_.push_back(std::move(control_id));
  if (committed_.size() > most_committed) committed_.pop_front();
}

bool MllpLink::committed(std::string_view control_id) const {
  return std::ranges::find(committed_, control_id) != committed_.end();
}

// ---- Ending ---------------------------------------------------------------------------------------------------------

void MllpLink::set_deadline(milliseconds wait) {
  late_ = false;
  deadline_.expires_after(wait);
  deadline_.async_wait([self = shared_from_this(), number = ++deadline_number_](error_code cancelled) {
    if (cancelled || number != self->deadline_number_) return;
    self->late_ = true;
    error_code ignored;
    self->connecting_.cancel(ignored);
    if (self->stream_) self->stream_->cancel();
  });
}

void MllpLink::clear_deadline() {
  ++deadline_number_;
  deadline_.cancel();
}

void MllpLink::close() {
  ended_ = true;
  error_code ignored;
  connecting_.close(ignored);
  if (stream_) stream_->close();
  deadline_.cancel();
  arrived_.cancel();
}

}  // namespace relay
