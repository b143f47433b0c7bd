// Waiting for a submission's deliveries (`Prefer: wait`, RFC 7240 section 4.3), without a thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>

#include "journal/journal.hpp"

namespace relay {

// Thread-safe.
class DeliveryWaits {
 public:
  explicit DeliveryWaits(Journal& journal);

  // Returns once no delivery of it is queued, once the time is over, or at stop(); whichever comes first. The object
  // may go before it returns, the journal may not.
  boost::asio::awaitable<void> wait(SubmissionId id, std::chrono::seconds at_most);
  // Ends every wait, now and from now on.
  void stop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace relay
