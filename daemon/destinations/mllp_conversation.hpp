// MllpConversation: sends one message after another to a receiver, and makes its connection anew where it has to. On
// one thread, inside its io_context's run.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "destinations/destination.hpp"
#include "destinations/mllp_link.hpp"
#include "settings/mllp_destination_settings.hpp"

namespace relay {

class MllpConversation : public std::enable_shared_from_this<MllpConversation> {
 public:
  MllpConversation(boost::asio::io_context& context, const MllpDestinationSettings& settings,
                   std::chrono::milliseconds timeout)
      : context_(context), settings_(settings), timeout_(timeout) {}

  // One at a time. `delivery` lives until it is done.
  boost::asio::awaitable<AttemptResult> deliver(const Delivery& delivery);
  // Makes a connection; nothing: it is there.
  boost::asio::awaitable<std::optional<DeliveryError>> connect();
  // Of the connection that is there.
  std::optional<WallTime> certificate_end() const { return link_ ? link_->certificate_end() : std::nullopt; }
  // What goes on ends soon; nothing further can be sent.
  void close();

 private:
  enum class Sent { whole, in_doubt, not_whole };
  struct Sending {
    Sent sent = Sent::not_whole;
    std::optional<AttemptResult> trouble{};  // of the payload
  };
  boost::asio::awaitable<Sending> send(PayloadSource& payload);
  boost::asio::awaitable<AttemptResult> answer_to(const std::string& control_id);
  AttemptResult drop(AttemptResult result);
  AttemptResult ended(bool whole_message_sent) const;

  boost::asio::io_context& context_;
  const MllpDestinationSettings settings_;
  const std::chrono::milliseconds timeout_;
  std::shared_ptr<MllpLink> link_;
  bool closed_ = false;
};

}  // namespace relay
