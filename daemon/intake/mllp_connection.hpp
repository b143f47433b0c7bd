// One MLLP connection: reads frames, has each kept, writes its answer, and goes on with the next, so that answers come
// in order whatever was sent ahead. Runs on a strand of its own. Between frames it holds no buffer.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/socket_connection.hpp"
#include "intake/mllp_event_log.hpp"
#include "intake/mllp_message.hpp"
#include "intake/receiver.hpp"
#include "submission/mllp_frame.hpp"

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

// A stop ends it once `shared.stopping` is set and no frame is under way.
class MllpConnection : public SocketConnection {
 public:
  // `tls`: TlsContext::current(), or nullptr for a plain connection. `rules`: those that `tls` belongs to.
  MllpConnection(StreamSocket socket, Peer peer, std::shared_ptr<ssl_ctx_st> tls,
                 const std::shared_ptr<const MllpRules>& rules, std::shared_ptr<MllpShared> shared);

  boost::asio::awaitable<void> run() override;

 private:
  // Each returns false where the connection has to end.
  boost::asio::awaitable<bool> open();
  boost::asio::awaitable<bool> step();
  boost::asio::awaitable<bool> receive();
  boost::asio::awaitable<bool> receive_end_mark();
  boost::asio::awaitable<bool> take(std::string_view bytes);
  boost::asio::awaitable<bool> end_frame();
  boost::asio::awaitable<bool> close_without_answer();
  boost::asio::awaitable<bool> write(std::string_view text);

  bool begin_frame();
  bool may_send(const MllpRules& rules);
  bool refuse_peer(MllpEvent event);
  bool note_outside(std::size_t bytes);
  bool end_at_failed_read(ReadEnd end);
  bool too_slow();
  void drop_frame(MllpEvent event, ProblemName reason);
  boost::asio::awaitable<ReadEnd> wait_readable();
  boost::asio::awaitable<ReadEnd> read_some(MonotonicTime deadline);

  const std::shared_ptr<MllpShared> shared_;
  const std::string client_ca_;        // by which its certificate was checked
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
};

}  // namespace relay
