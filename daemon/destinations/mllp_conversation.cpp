#include "destinations/mllp_conversation.hpp"

#include <utility>

#include "destinations/hl7_answer.hpp"
#include "destinations/mllp_answers.hpp"
#include "destinations/payload_body.hpp"
#include "submission/mllp_frame.hpp"

namespace relay {
namespace {

namespace asio = boost::asio;

constexpr std::size_t piece_size = 64 * 1024;
constexpr std::string_view marks = "\x0b\x1c";

AttemptResult refused(std::string message) {
  AttemptResult result;
  result.outcome = Outcome::refused;
  DeliveryError error;
  error.kind = ErrorKind::refused;
  error.message = std::move(message);
  result.error = std::move(error);
  return result;
}

AttemptResult broken(DeliveryError error) {
  AttemptResult result;
  result.outcome = Outcome::broken;
  result.error = std::move(error);
  return result;
}

AttemptResult broken(ErrorKind kind, std::string message) {
  DeliveryError error;
  error.kind = kind;
  error.message = std::move(message);
  return broken(std::move(error));
}

}  // namespace

asio::awaitable<std::optional<DeliveryError>> MllpConversation::connect() {
  if (link_) link_->close();
  link_.reset();
  if (closed_) {
    DeliveryError given_up;
    given_up.kind = ErrorKind::unreachable;
    given_up.message = "the connection was given up";
    co_return given_up;
  }
  link_ = std::make_shared<MllpLink>(context_, settings_, timeout_);
  co_return co_await link_->open();
}

void MllpConversation::close() {
  closed_ = true;
  if (link_) link_->close();
}

// Ends the connection: what might still come over it can't be told from an answer to something else.
AttemptResult MllpConversation::drop(AttemptResult result) {
  link_->close();
  return result;
}

AttemptResult MllpConversation::ended(bool whole_message_sent) const {
  if (link_->tls_refused())
    return broken(ErrorKind::tls, "the receiver doesn't take our certificate, or wants one: check tls");
  if (whole_message_sent)
    return unknown_at_receiver(ErrorKind::unreachable, "the connection ended without an acknowledgement");
  return broken(ErrorKind::unreachable, "the connection broke while sending");
}

asio::awaitable<AttemptResult> MllpConversation::deliver(const Delivery& delivery) {
  PayloadSource& payload = *delivery.payload;
  if (payload.size() != delivery.submission.size)
    co_return unreadable_payload({PayloadFailure::corrupt, "the payload isn't as long as its record says"});
  const std::string control_id = control_id_of(payload);
  if (control_id.empty()) {
    const auto readable = payload.read(0, piece_size);
    if (!readable) co_return unreadable_payload(readable.error());
    co_return refused("the message has no MSH-10 (a batch: BHS-11 or FHS-11), by which a receiver answers it");
  }
  for (;;) {
    // Where the application ACK of an earlier message of that name may still come, it would be taken for this one's.
    const bool kept = link_ && link_->usable() && !link_->committed(control_id);
    if (!kept) {
      if (auto trouble = co_await connect()) co_return broken(std::move(*trouble));
    }
    link_->forget_frames();
    Sending sending = co_await send(payload);
    if (sending.trouble) co_return std::move(*sending.trouble);
    if (sending.sent == Sent::whole) co_return co_await answer_to(control_id);
    if (sending.sent == Sent::in_doubt)
      co_return unknown_at_receiver(ErrorKind::unreachable, "the connection ended with the message's last bytes");
    // A kept connection that turns out to be dead says nothing about the receiver.
    if (!kept || closed_ || link_->tls_refused()) co_return ended(false);
  }
}

// A frame without its end is no message, so whatever happens before the last bytes, nothing was handed over.
asio::awaitable<MllpConversation::Sending> MllpConversation::send(PayloadSource& payload) {
  std::string frame(1, mllp_start);
  for (std::uint64_t offset = 0; offset < payload.size().value;) {
    const auto piece = payload.read(offset, piece_size);
    std::optional<AttemptResult> trouble;
    if (!piece) trouble = unreadable_payload(piece.error());
    if (piece && piece->empty())
      trouble = unreadable_payload({PayloadFailure::corrupt, "the payload ends before its recorded size"});
    if (piece && piece->find_first_of(marks) != std::string::npos)
      trouble = refused("the message holds a byte (0x0B or 0x1C) that begins or ends an MLLP frame");
    if (trouble) {
      if (offset > 0) link_->close();
      co_return Sending{Sent::not_whole, std::move(trouble)};
    }
    offset += piece->size();
    frame += *piece;
    const std::string_view end = offset == payload.size().value ? mllp_end : std::string_view();
    const std::size_t taken = co_await link_->write(frame, end);
    if (taken < frame.size() + end.size()) co_return Sending{taken > frame.size() ? Sent::in_doubt : Sent::not_whole};
    frame.clear();
  }
  co_return Sending{Sent::whole};
}

asio::awaitable<AttemptResult> MllpConversation::answer_to(const std::string& control_id) {
  const MonotonicTime until = std::chrono::steady_clock::now() + settings_.ack_timeout;
  for (;;) {
    const MllpLink::Heard heard = co_await link_->next_frame(until);
    switch (heard.kind) {
      case MllpLink::Heard::Kind::nothing:
        co_return drop(unknown_at_receiver(ErrorKind::timeout, "no acknowledgement came within ack_timeout"));
      case MllpLink::Heard::Kind::ended:
        co_return ended(true);
      case MllpLink::Heard::Kind::foreign:
        co_return drop(broken(ErrorKind::unexpected_answer, "what answers there doesn't speak MLLP: check address"));
      case MllpLink::Heard::Kind::frame:
        break;
    }
    const auto answer = read_hl7_answer(heard.frame);
    if (answer && answer->control_id != control_id && link_->committed(answer->control_id)) continue;
    if (!answer || answer->control_id != control_id)
      co_return drop(unknown_at_receiver(ErrorKind::unexpected_answer,
                                         "the acknowledgement isn't of this message (MSA-2)", heard.frame));
    AttemptResult result = classify_mllp_answer(*answer, heard.frame);
    if (result.outcome == Outcome::unknown) co_return drop(std::move(result));
    if (answer->code == "CA") link_->note_committed(control_id);
    co_return result;
  }
}

}  // namespace relay
