// In which order deliveries go: what a route says of it, and what comes of that for one submission.
#pragma once

#include <string>

namespace relay {

// routes[].ordering
enum class Ordering {
  none,
  client,  // a client's submissions one after another
  key,     // those of one HL7 order number; a payload without one goes by its client
};

// routes[].on_dead_letter: whether what comes behind a dead letter of the same client or order number waits until
// somebody has done something about it.
enum class OnDeadLetter { go_on, stop };

// Of the open deliveries of one key at one destination only the oldest is sent; the others wait for it to end.
struct DeliveryOrder {
  enum class Kind { client, order_number } kind = Kind::client;
  std::string key;  // the client, or the order number as it stands in the message
  OnDeadLetter on_dead_letter = OnDeadLetter::go_on;
};

}  // namespace relay
