// MllpMessage: the content of one frame on its way to the receiver. What it is and whose is read from its first header
// segments, of which at most a few kilobytes are held back; then it goes on as it comes. Used on one strand.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "intake/hl7_acknowledgement.hpp"
#include "intake/mllp_answer.hpp"
#include "intake/receiver.hpp"
#include "settings/settings.hpp"
#include "submission/hl7_header_reader.hpp"

namespace relay {

// What a frame goes by from its first byte to its answer, whatever a reload does meanwhile.
struct MllpRules {
  MllpListenerSettings listener;
  ByteCount max_payload;
  std::chrono::milliseconds request_timeout{};
};

// The client of what begins like this; nothing where nobody says who that is.
std::optional<std::string> mllp_client(const MllpListenerSettings& listener, const Hl7HeaderReader& reader);

class MllpMessage {
 public:
  // `client`: who it is by its certificate, which wins over what the message says. The receiver outlives it.
  MllpMessage(std::shared_ptr<const MllpRules> rules, std::optional<std::string> client, Receiver& receiver);

  enum class Going {
    on,
    oversized,    // beyond twice max_payload: the connection has to close
    unavailable,  // can't be kept now, and `when_unavailable: close`
  };
  // Bytes of the frame, which must stay until it returns.
  boost::asio::awaitable<Going> take(std::string_view bytes);
  // The frame is whole. Nothing: it is an acknowledgement or empty, and to be ignored.
  boost::asio::awaitable<std::optional<MllpVerdict>> finish();

  const MllpRules& rules() const { return *rules_; }
  ByteCount size() const { return size_; }
  const Hl7HeaderReader& headers() const { return headers_; }
  // MSH-15 of its first message.
  std::string_view accept_acknowledgement_type() const;

 private:
  bool is_acknowledgement() const;
  // Enough is known to hand it on.
  bool can_be_admitted() const;
  bool passes_guard() const;
  std::optional<RequestProblem> refusal_of_headers() const;
  void admit();
  boost::asio::awaitable<void> write(std::string_view bytes);
  void refuse(const RequestProblem& problem);
  void refuse_as(MllpVerdict verdict);
  void count_and_refuse(const RequestProblem& problem);
  Going going() const;

  const std::shared_ptr<const MllpRules> rules_;
  const std::optional<std::string> client_;
  Receiver& receiver_;
  Hl7HeaderReader headers_;
  ByteCount size_;
  std::string held_;  // until it is admitted
  std::unique_ptr<Reception> reception_;
  std::optional<MllpVerdict> refused_;
};

}  // namespace relay
