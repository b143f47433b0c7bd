#include "journal/turns.hpp"

#include <algorithm>

#include "journal/idempotency.hpp"

namespace relay {

namespace {

constexpr char by_client = 1;
constexpr char by_number = 2;
// So many keys are looked at for what blocks; where more wait, what is shown is some of it.
constexpr std::size_t most_keys_looked_at = 256;

}  // namespace

bool OrderColumns::by_order_number() const {
  return !key.empty() && key.front() == by_number;
}

OrderColumns read_order_columns(const Rows& rows, int key_column, int stops_column) {
  OrderColumns order;
  if (rows.is_null(key_column)) return order;
  order.key = rows.string(key_column);
  const std::int64_t stops = rows.integer(stops_column);
  if (stops == static_cast<std::int64_t>(StopsOthers::yes)) order.stops = StopsOthers::yes;
  if (stops == static_cast<std::int64_t>(StopsOthers::not_any_more)) order.stops = StopsOthers::not_any_more;
  return order;
}

std::vector<std::string> order_keys(const Uuid& journal_id, const PayloadCipher& cipher, const DeliveryOrder& order) {
  const bool of_client = order.kind == DeliveryOrder::Kind::client;
  const std::string text = std::string(of_client ? "order of client\n" : "order number\n") + order.key;
  std::vector<std::string> keys;
  for (const IdempotencyHash& hash : idempotency_hashes(journal_id, cipher, text)) {
    std::string key(1, of_client ? by_client : by_number);
    key.append(hash.begin(), hash.end());
    keys.push_back(std::move(key));
  }
  return keys;
}

TurnReader::TurnReader(Connection& connection)
    : oldest_(connection,
              "SELECT due, seq FROM delivery INDEXED BY delivery_order"
              " WHERE destination = ?1 AND order_key = ?2 AND seq > ?3 ORDER BY seq LIMIT 1"),
      stopped_by_(connection,
                  "SELECT seq FROM record INDEXED BY record_order"
                  " WHERE destination = ?1 AND order_key = ?2 AND state = 3 AND order_stops = 1 ORDER BY seq LIMIT 1"),
      next_waiting_key_(connection,
                        "SELECT order_key FROM delivery INDEXED BY delivery_turn"
                        " WHERE destination = ?1 AND order_key > ?2 AND due < 0 ORDER BY order_key LIMIT 1") {}

std::optional<TurnReader::OpenDelivery> TurnReader::oldest(DestinationNumber destination, const std::string& key,
                                                           std::int64_t above) {
  Rows rows = oldest_.rows(destination, Blob{key}, above);
  if (!rows.next()) return std::nullopt;
  return OpenDelivery{rows.integer(0), rows.integer(1)};
}

std::optional<std::int64_t> TurnReader::stopped_by(DestinationNumber destination, const std::string& key) {
  Rows rows = stopped_by_.rows(destination, Blob{key});
  if (!rows.next()) return std::nullopt;
  return rows.integer(0);
}

std::optional<std::int64_t> TurnReader::before(DestinationNumber destination, const std::string& key,
                                               std::int64_t seq) {
  std::optional<std::int64_t> found;
  if (const auto open = oldest(destination, key); open && open->seq < seq) found = open->seq;
  const auto stopped = stopped_by(destination, key);
  if (stopped && *stopped < seq && (!found || *stopped < *found)) found = stopped;
  return found;
}

std::vector<std::int64_t> TurnReader::blocking(DestinationNumber destination, std::size_t limit) {
  std::vector<std::int64_t> found;
  std::string key;
  for (std::size_t looked_at = 0; looked_at < most_keys_looked_at; ++looked_at) {
    {
      Rows rows = next_waiting_key_.rows(destination, Blob{key});
      if (!rows.next()) break;
      key = rows.string(0);
    }
    if (const auto seq = before(destination, key, INT64_MAX)) found.push_back(*seq);
  }
  std::sort(found.begin(), found.end());
  if (found.size() > limit) found.resize(limit);
  return found;
}

Turns::Turns(Connection& connection)
    : reader_(connection),
      move_(connection, "UPDATE delivery SET due = ?4 WHERE destination = ?1 AND due = ?2 AND seq = ?3") {}

std::string Turns::key_of_new(DestinationNumber destination, const std::vector<std::string>& keys) {
  if (keys.empty()) return {};
  // Of before encryption was turned on: the order holds over that too.
  for (const std::string& key : keys) {
    if (key != keys.front() && reader_.before(destination, key, INT64_MAX)) return key;
  }
  return keys.front();
}

std::int64_t Turns::first_due(DestinationNumber destination, const OrderColumns& order, std::int64_t seq) {
  if (order.key.empty()) return 0;
  return reader_.before(destination, order.key, seq) ? waits_for_its_turn : 0;
}

void Turns::put_before_others(DestinationNumber destination, const OrderColumns& order, std::int64_t seq,
                              ClaimHold& hold) {
  if (order.key.empty()) return;
  const auto next = reader_.oldest(destination, order.key, seq);
  if (!next || next->due == waits_for_its_turn || !hold.take(destination, next->seq)) return;
  move_.run(destination, next->due, next->seq, waits_for_its_turn);
}

void Turns::let_next_come(WriteTransaction& transaction, DestinationNumber destination, const OrderColumns& order) {
  if (order.key.empty()) return;
  const auto next = reader_.oldest(destination, order.key);
  if (!next || next->due != waits_for_its_turn) return;
  const auto stopped = reader_.stopped_by(destination, order.key);
  if (stopped && *stopped < next->seq) return;
  move_.run(destination, next->due, next->seq, 0);
  transaction.may_have_work.push_back(destination);
}

}  // namespace relay
