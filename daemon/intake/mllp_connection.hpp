// One MLLP connection: reads frames, has each kept, writes its answer, and goes on with the next, so that answers come
// in order whatever was sent ahead. Runs on a strand of its own. Between frames it holds no buffer.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/connection_server.hpp"
#include "base/socket_stream.hpp"
#include "intake/mllp_event_log.hpp"
#include "intake/mllp_frame.hpp"
#include "intake/mllp_message.hpp"
#include "intake/receiver.hpp"

namespace relay {

// What all connections of a listener share.
struct MllpShared {
  Receiver& receiver;
  const Clock& clock;
  UuidGenerator ids;
  MllpEventLog events;
  std::function<std::shared_ptr<const MllpRules>()> rules;  // those of now; any thread
  std::atomic<bool> stopping = false;
};

class MllpConnection : public ServedConnection, public std::enable_shared_from_this<MllpConnection> {
 public:
  // `tls`: TlsContext::current(), or nullptr for a plain connection.
  MllpConnection(StreamSocket socket, Peer peer, std::shared_ptr<ssl_ctx_st> tls, std::shared_ptr<MllpShared> shared);

  boost::asio::awaitable<void> run() override;
  // Ends it once `shared.stopping` is set and no frame is under way.
  void stop_when_idle() override;
  void close() override;
  void expire(MonotonicTime now) override;

 private:
  enum class ReadEnd { bytes, end_of_stream, expired, stopped, failed };

  // Each returns false where the connection has to end.
  boost::asio::awaitable<bool> open();
  boost::asio::awaitable<bool> step();
  boost::asio::awaitable<bool> receive();
  boost::asio::awaitable<bool> receive_end_mark();
  boost::asio::awaitable<bool> take(std::string_view bytes);
  boost::asio::awaitable<bool> end_frame();
  boost::asio::awaitable<bool> close_without_answer();
  boost::asio::awaitable<bool> write(std::string_view text);

  bool note_outside(std::size_t bytes);
  bool end_at_failed_read(ReadEnd end);
  bool too_slow();
  void drop_frame(MllpEvent event, ProblemName reason);
  boost::asio::awaitable<void> linger();
  boost::asio::awaitable<ReadEnd> wait_readable();
  boost::asio::awaitable<ReadEnd> read_some(MonotonicTime deadline);
  ReadEnd read_end(const boost::system::error_code& error) const;
  void set_deadline(MonotonicTime deadline);

  SocketStream stream_;
  const Peer peer_;
  const std::shared_ptr<MllpShared> shared_;
  std::optional<std::string> client_;  // by its certificate
  std::vector<char> buffer_;
  std::string_view unread_;  // in buffer_
  bool filled_ = false;      // the last read filled the buffer
  MllpFrameScanner scanner_;
  std::optional<MllpMessage> message_;
  std::size_t outside_ = 0;  // bytes in a row that belong to no frame
  // The time in which the average of the frame at hand is looked at; only time spent waiting for the sender counts.
  MonotonicTime::duration window_waited_{};
  std::size_t window_bytes_ = 0;
  std::atomic<MonotonicTime::rep> deadline_ = 0;  // 0: nothing is waited for
  bool expired_ = false;
  bool idle_ = false;  // between frames
};

}  // namespace relay
