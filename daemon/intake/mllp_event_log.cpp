#include "intake/mllp_event_log.hpp"

#include <utility>

#include "base/log.hpp"

namespace relay {
namespace {

constexpr std::chrono::seconds between_lines{10};

std::string_view words_for(MllpEvent event) {
  switch (event) {
    case MllpEvent::foreign_address:
      return "MLLP: closed a connection from an address that allow_from doesn't name";
    case MllpEvent::failed_handshake:
      return "MLLP: a TLS handshake failed";
    case MllpEvent::unknown_certificate:
      return "MLLP: closed a connection whose certificate is no client's";
    case MllpEvent::missing_certificate:
      return "MLLP: closed a connection that was open before the configuration asked for TLS or other certificates";
    case MllpEvent::outside_bytes:
      return "MLLP: skipped bytes outside a frame; a message begins with <VT> and ends with <FS><CR>";
    case MllpEvent::interrupted_frame:
      return "MLLP: dropped a message that was never finished: the next one began before its <FS>";
    case MllpEvent::unfinished_frame:
      return "MLLP: dropped a message that was never finished: the connection ended before its <FS>";
    case MllpEvent::stalled_frame:
      return "MLLP: dropped a message that didn't arrive within request_timeout, and closed its connection";
    case MllpEvent::oversized_frame:
      return "MLLP: closed a connection whose message was over twice max_payload";
    case MllpEvent::unread_answer:
      return "MLLP: closed a connection whose peer didn't take its answer";
    case MllpEvent::closed_unavailable:
      break;
  }
  return "MLLP: closed a connection without an answer, since its message can't be kept now";
}

}  // namespace

void MllpEventLog::note(MllpEvent event, std::string_view peer, std::string_view reason) {
  std::uint64_t count = 0;
  {
    const MonotonicTime now = clock_.monotonic_now();
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_.at(static_cast<std::size_t>(event));
    ++entry.since_then;
    if (entry.last_line && now - *entry.last_line < between_lines) return;
    entry.last_line = now;
    count = std::exchange(entry.since_then, 0);
  }
  if (reason.empty()) {
    log_warning(words_for(event), {{"listen", listen_}, {"peer", peer}, {"count", count}});
  } else {
    log_warning(words_for(event), {{"listen", listen_}, {"peer", peer}, {"reason", reason}, {"count", count}});
  }
}

}  // namespace relay
