// What happens on an MLLP listener's connections and is nobody's message: each kind is logged at once, then at most
// once in ten seconds with how often it was, so that a peer that does it again and again fills no disk. Never with
// content.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace relay {

enum class MllpEvent {
  foreign_address,      // allow_from doesn't name it
  failed_handshake,     // TLS
  unknown_certificate,  // it maps to no client
  missing_certificate,  // the connection was open before one was asked for
  outside_bytes,        // bytes that belong to no frame
  interrupted_frame,    // a frame began inside another one
  unfinished_frame,     // the connection ended inside a frame
  stalled_frame,        // no byte, or too few, for request_timeout
  oversized_frame,      // beyond twice max_payload
  unread_answer,        // the peer didn't take its answer in time, or was gone
  closed_unavailable,   // what came can't be kept now
};

// Thread-safe. The clock outlives it.
class MllpEventLog {
 public:
  MllpEventLog(std::string listen, const Clock& clock) : listen_(std::move(listen)), clock_(clock) {}
  // `reason`: our own words; may be empty.
  void note(MllpEvent event, std::string_view peer, std::string_view reason = {});

 private:
  struct Entry {
    std::optional<MonotonicTime> last_line{};
    std::uint64_t since_then = 0;
  };
  static constexpr std::size_t kinds = static_cast<std::size_t>(MllpEvent::closed_unavailable) + 1;

  const std::string listen_;
  const Clock& clock_;
  std::mutex mutex_;
  std::array<Entry, kinds> entries_;
};

}  // namespace relay
