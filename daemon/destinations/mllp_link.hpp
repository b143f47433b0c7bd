// MllpLink: one connection to an HL7 receiver, over TCP or TLS. What comes in is read all the while, so that a
// connection which the receiver has closed is known before the next message goes into it. On one thread, inside its
// io_context's run.
//
// Known weakness: a look-up that hangs in the resolver can't be interrupted; it is waited for no longer than for
// anything else, but the destination's end waits for it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/socket_stream.hpp"
#include "settings/mllp_destination_settings.hpp"
#include "submission/mllp_frame.hpp"
#include "submission/outcome.hpp"

namespace relay {

class MllpLink : public std::enable_shared_from_this<MllpLink> {
 public:
  // `timeout`: of a look-up, of connecting with the handshake, and of every write.
  MllpLink(boost::asio::io_context& context, const MllpDestinationSettings& settings,
           std::chrono::milliseconds timeout);

  // Nothing: it is open. Once.
  boost::asio::awaitable<std::optional<DeliveryError>> open();
  // Open, and neither side has ended it so far.
  bool usable() const { return stream_ && !ended_; }
  // The receiver ended it for something about TLS: since TLS 1.3 it looks at our certificate only when we are done with
  // the handshake already. It has read nothing of a message then.
  bool tls_refused() const { return tls_refused_; }
  // When the receiver's certificate ends; nothing without TLS.
  std::optional<WallTime> certificate_end() const;
  // Both, one behind the other; how many bytes the system has taken.
  boost::asio::awaitable<std::size_t> write(std::string_view first, std::string_view second);

  struct Heard {
    enum class Kind {
      frame,
      nothing,  // in time
      ended,
      foreign,  // whoever answers there doesn't speak MLLP
    } kind = Kind::nothing;
    std::string frame{};
  };
  boost::asio::awaitable<Heard> next_frame(MonotonicTime until);
  // What has come so far answers nothing that is still to be sent.
  void forget_frames() { frames_.clear(); }
  void close();

  // The receiver has committed to that message; its application ACK may come at any time, or never.
  void note_committed(std::string control_id);
  bool committed(std::string_view control_id) const;

 private:
  boost::asio::awaitable<std::optional<DeliveryError>> look_up();
  boost::asio::awaitable<std::optional<DeliveryError>> connect();
  boost::asio::awaitable<std::optional<DeliveryError>> begin_tls();
  boost::asio::awaitable<void> read_all();
  bool take(std::string_view bytes);
  void set_deadline(std::chrono::milliseconds wait);
  void clear_deadline();
  std::string where() const;

  boost::asio::io_context& context_;
  const MllpDestinationSettings settings_;
  const std::chrono::milliseconds timeout_;
  boost::asio::ip::tcp::resolver resolver_;
  std::optional<boost::asio::ip::tcp::resolver::results_type> addresses_{};
  boost::asio::ip::tcp::socket connecting_;
  std::unique_ptr<SocketStream> stream_;
  boost::asio::steady_timer deadline_;
  std::uint64_t deadline_number_ = 0;
  bool late_ = false;  // the deadline has passed, and what went on was ended
  bool ended_ = false;
  bool foreign_ = false;
  bool tls_refused_ = false;
  boost::asio::steady_timer arrived_;
  MllpFrameScanner scanner_;
  std::string frame_;  // the one that is coming
  std::deque<std::string> frames_;
  std::deque<std::string> committed_;
};

}  // namespace relay
