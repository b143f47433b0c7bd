// An HL7 receiver as the conformance suite sees it. It knows a message by its bytes: the suite sends many with one
// MSH-10.
#include <atomic>
#include <map>

#include "support/conformance.hpp"
#include "support/hl7_receiver.hpp"

namespace relay {
namespace {

class MllpPeer final : public ConformancePeer {
 public:
  MllpPeer() : receiver_([this](const std::string& message, unsigned) { return answer(message); }) {}

  DestinationSettings settings() override {
    MllpDestinationSettings mllp;
    mllp.host = "127.0.0.1";
    mllp.port = receiver_.port();
    mllp.ack_timeout = std::chrono::milliseconds(500);
    DestinationSettings settings;
    settings.name = "lis";
    settings.system = mllp;
    settings.timeout = std::chrono::milliseconds(5000);
    settings.concurrency = 1;
    return settings;
  }

  // Who isn't let in can't be told from a receiver that hangs up.
  bool can_be(PeerMood mood) const override { return mood != PeerMood::barring; }
  void be(PeerMood mood) override { mood_ = mood; }
  void go_away() override { receiver_.stop(); }
  void come_back() override { receiver_.start(); }

  std::optional<std::string> taken(const Submission& submission) override {
    const std::lock_guard lock(mutex_);
    const auto found = taken_.find(submission.sha256.hex());
    return found == taken_.end() ? std::nullopt : std::optional(found->second);
  }
  std::size_t times_seen(const Submission& submission) override { return taken(submission) ? 1 : 0; }
  bool change_credential() override { return false; }

 private:
  std::optional<std::string> answer(const std::string& message) {
    switch (mood_.load()) {
      case PeerMood::taking:
      case PeerMood::barring:
        break;
      case PeerMood::refusing:
        return acknowledged("AE", "1", "ERR||PID^1|101^Required field missing^HL70357|E");
      case PeerMood::busy:
        return acknowledged("AE", "1", "ERR||MSH^1|207^Application internal error^HL70357|E");
      case PeerMood::silent:
        return std::nullopt;
      case PeerMood::cut_off:
        return Hl7Receiver::hang_up;
      case PeerMood::alien:
        return "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    }
    const std::lock_guard lock(mutex_);
    taken_[sha256(message).hex()] = message;
    return acknowledged("AA", "1");
  }

  std::mutex mutex_;
  std::map<std::string, std::string> taken_;
  std::atomic<PeerMood> mood_ = PeerMood::taking;
  Hl7Receiver receiver_;
};

}  // namespace

std::unique_ptr<ConformancePeer> make_mllp_peer() {
  return std::make_unique<MllpPeer>();
}

}  // namespace relay
