// Turns: whose turn it is among deliveries that keep an order (delivery_order.hpp). Of those with one key at one
// destination only the oldest can be claimed. The others wait out of the lane's sight, with the due time
// `waits_for_its_turn`, until a transaction that takes away what is before them lets the next one come. So a claim
// looks at nothing that can't be sent, however many wait.
//
// What holds after every commit: the oldest open delivery of a key doesn't wait for its turn, unless a dead letter that
// stops the others (on_dead_letter: stop) is older. Another one that doesn't wait was the oldest once; something older
// was put back by hand since. What an operator put aside, and what is damaged, stops nobody.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "journal/claim_hold.hpp"
#include "journal/command.hpp"
#include "journal/database.hpp"
#include "journal/payload_cipher.hpp"
#include "submission/delivery_order.hpp"

namespace relay {

// In delivery.due: below every time, and below 0, "at its place".
inline constexpr std::int64_t waits_for_its_turn = -1;

// In the columns order_stops: what a dead letter does to those behind it.
enum class StopsOthers : std::int64_t {
  no = 0,
  yes = 1,
  not_any_more = 2,  // it was set aside or is damaged; yes again once it is retried
};

// How a delivery stands in its row. `key`: a byte for the kind, 16 of a hash that only this journal makes, so that no
// name and no order number is kept. Empty: no order.
struct OrderColumns {
  std::string key;
  StopsOthers stops = StopsOthers::no;

  std::optional<Blob> key_column() const { return key.empty() ? std::nullopt : std::optional(Blob{key}); }
  bool by_order_number() const;
};
OrderColumns read_order_columns(const Rows& rows, int key_column, int stops_column);

// All keys under which that order may be kept; the first is the one for now (see idempotency_hashes).
std::vector<std::string> order_keys(const Uuid& journal_id, const PayloadCipher& cipher, const DeliveryOrder& order);

// Reads; every look-up goes by a key.
class TurnReader {
 public:
  explicit TurnReader(Connection& connection);

  struct OpenDelivery {
    std::int64_t due = 0;
    std::int64_t seq = 0;
  };
  // The oldest open delivery of that key there, above `seq`.
  std::optional<OpenDelivery> oldest(DestinationNumber destination, const std::string& key, std::int64_t above = 0);
  // The oldest dead letter there that stops the others of its key.
  std::optional<std::int64_t> stopped_by(DestinationNumber destination, const std::string& key);
  // What a delivery waits for, or would: the oldest of the two, below `seq`.
  std::optional<std::int64_t> before(DestinationNumber destination, const std::string& key, std::int64_t seq);
  // What others wait for, oldest first, at most `limit`. Looks at a bounded number of keys.
  std::vector<std::int64_t> blocking(DestinationNumber destination, std::size_t limit);

 private:
  Statement oldest_;
  Statement stopped_by_;
  Statement next_waiting_key_;
};

// Within the writer's transactions.
class Turns {
 public:
  explicit Turns(Connection& connection);

  // Under which of its keys a new delivery is kept: one that others are kept under already, else the first.
  std::string key_of_new(DestinationNumber destination, const std::vector<std::string>& keys);
  // Where a delivery begins that comes in at that place.
  std::int64_t first_due(DestinationNumber destination, const OrderColumns& order, std::int64_t seq);
  // An older one was put back: what was the oldest waits behind it, unless it is in flight.
  void put_before_others(DestinationNumber destination, const OrderColumns& order, std::int64_t seq, ClaimHold& hold);
  // Something of that key ended or went away.
  void let_next_come(WriteTransaction& transaction, DestinationNumber destination, const OrderColumns& order);

 private:
  TurnReader reader_;
  Statement move_;
};

}  // namespace relay
