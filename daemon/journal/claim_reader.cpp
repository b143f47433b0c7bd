#include "journal/claim_reader.hpp"

#include <algorithm>

#include "journal/delivery_by_client.hpp"
#include "journal/turns.hpp"

namespace relay {

namespace {

#define RELAY_DELIVERY_COLUMNS \
  "due, seq, client, attempts, tries, possibly_delivered, queued_since, started_at, order_key"

// It lies in the page that is read for the submission anyway. Bounds what the claims of a lane hold in memory.
constexpr ByteCount read_with_its_delivery{4096};

}  // namespace

ClaimReader::ClaimReader(Connection& connection, const PayloadCipher& cipher)
    : retries_(connection, "SELECT " RELAY_DELIVERY_COLUMNS
                           " FROM delivery WHERE destination = ?1 AND due > 0 AND due <= ?2 ORDER BY due, seq"),
      at_place_(connection,
                "SELECT " RELAY_DELIVERY_COLUMNS " FROM delivery WHERE destination = ?1 AND due = 0 ORDER BY seq"),
      waiting_(connection, "SELECT due, seq FROM delivery WHERE destination = ?1 AND due > 0 ORDER BY due, seq"),
      client_oldest_(connection,
                     "SELECT due, seq FROM delivery INDEXED BY delivery_sendable"
                     " WHERE destination = ?1 AND client = ?2 AND due >= 0 ORDER BY seq"),
      client_newest_(connection,
                     "SELECT due, seq FROM delivery INDEXED BY delivery_sendable"
                     " WHERE destination = ?1 AND client = ?2 AND due >= 0 ORDER BY seq DESC"),
      next_client_(connection, of_any_turn("SELECT client FROM delivery INDEXED BY {index}"
                                           " WHERE destination = ?1 AND client > ?2 AND {turn}") +
                                   " ORDER BY client LIMIT 1"),
      next_sendable_client_(connection,
                            "SELECT client FROM delivery INDEXED BY delivery_sendable"
                            " WHERE destination = ?1 AND client > ?2 AND due >= 0 ORDER BY client LIMIT 1"),
      oldest_of_client_(connection, of_any_turn("SELECT seq FROM delivery INDEXED BY {index}"
                                                " WHERE destination = ?1 AND client = ?2 AND {turn}") +
                                        " ORDER BY seq LIMIT 1"),
      one_(connection,
           "SELECT " RELAY_DELIVERY_COLUMNS " FROM delivery WHERE destination = ?1 AND due = ?2 AND seq = ?3"),
      submissions_(connection, cipher),
      payloads_(connection) {}

std::vector<ClaimableDelivery> ClaimReader::due(DestinationNumber destination, WallTime now, std::size_t count,
                                                const Seqs& claimed) {
  std::vector<ClaimableDelivery> found;
  const auto take = [&](Rows rows) {
    while (found.size() < count && rows.next()) {
      if (!claimed.contains(rows.integer(1))) found.push_back(claimable(destination, rows));
    }
  };
  take(retries_.rows(destination, now));
  if (found.size() < count) take(at_place_.rows(destination));
  return found;
}

ClaimableDelivery ClaimReader::claimable(DestinationNumber destination, const Rows& delivery) {
  ClaimableDelivery found;
  found.place.destination = destination;
  found.place.due = delivery.integer(0);
  found.place.seq = delivery.integer(1);
  found.place.client = delivery.string(2);
  found.claim.attempts = delivery.small_count(3);
  found.claim.tries_in_a_row = delivery.small_count(4);
  found.claim.possibly_delivered = delivery.flag(5);
  found.claim.queued_since = delivery.time(6);
  if (!delivery.is_null(7)) found.claim.interrupted_since = delivery.time(7);
  if (!delivery.is_null(8)) {
    found.place.ordered = true;
    OrderColumns order{delivery.string(8)};
    if (order.by_order_number()) found.claim.order_number = std::move(order.key);
  }
  auto submission = submissions_.by_seq(found.place.seq);
  if (submission) {
    found.place.id = submission->submission.id;
    found.place.sound = submission->sound;
    found.place.upload = submission->upload;
    if (!submission->upload && submission->submission.size <= read_with_its_delivery) {
      if (auto row = payloads_.inline_row(found.place.seq)) {
        found.place.payload_row = std::make_shared<const std::string>(std::move(*row));
      }
    }
    found.claim.submission = std::move(submission->submission);
  } else {
    // Its submission is gone: there is nothing to send, and the lane has to learn that to get it out of the way.
    found.place.sound = false;
    found.claim.submission.client = found.place.client;
  }
  return found;
}

std::optional<ClaimReader::ProbeCandidate> ClaimReader::probe_of_client(DestinationNumber destination,
                                                                        const std::string& client, ClaimEnd end,
                                                                        std::int64_t other_than, const Seqs& claimed) {
  std::optional<ProbeCandidate> last_resort;
  Rows rows = (end == ClaimEnd::oldest ? client_oldest_ : client_newest_).rows(destination, client);
  while (rows.next()) {
    const std::int64_t seq = rows.integer(1);
    if (claimed.contains(seq)) continue;
    if (seq != other_than) return ProbeCandidate{rows.integer(0), seq, client, true};
    last_resort = ProbeCandidate{rows.integer(0), seq, client, false};
  }
  return last_resort;
}

std::optional<ClaimableDelivery> ClaimReader::probe(DestinationNumber destination, const ProbeChoice& choice,
                                                    const Seqs& claimed) {
  std::int64_t other_than = 0;
  if (choice.other_than) {
    if (const auto other = submissions_.by_id(*choice.other_than)) other_than = other->seq;
  }
  std::optional<ProbeCandidate> best;
  const auto consider = [&](const std::string& client) {
    auto candidate = probe_of_client(destination, client, choice.end, other_than, claimed);
    if (!candidate) return true;
    const bool nearer_the_end =
        best && (choice.end == ClaimEnd::oldest ? candidate->seq < best->seq : candidate->seq > best->seq);
    if (!best || (candidate->is_other && !best->is_other) ||
        (candidate->is_other == best->is_other && nearer_the_end)) {
      best = std::move(candidate);
    }
    return true;
  };
  if (choice.client) {
    consider(*choice.client);
  } else {
    each_sendable_client(destination, consider);
  }
  if (!best) return std::nullopt;
  Rows rows = one_.rows(destination, best->due, best->seq);
  if (!rows.next()) throw DatabaseError(SQLITE_CORRUPT, "the index of a destination's clients names a missing row");
  return claimable(destination, rows);
}

std::vector<std::string> ClaimReader::waiting_clients(DestinationNumber destination, std::size_t limit,
                                                      const Seqs& claimed) {
  std::vector<std::string> clients;
  if (limit == 0) return clients;
  each_sendable_client(destination, [&](const std::string& client) {
    for (Rows rows = client_oldest_.rows(destination, client); rows.next();) {
      if (claimed.contains(rows.integer(1))) continue;
      clients.push_back(client);
      break;
    }
    return clients.size() < limit;
  });
  return clients;
}

std::optional<WallTime> ClaimReader::next_due(DestinationNumber destination, const Seqs& claimed) {
  for (Rows rows = waiting_.rows(destination); rows.next();) {
    if (!claimed.contains(rows.integer(1))) return rows.time(0);
  }
  return std::nullopt;
}

std::optional<std::int64_t> ClaimReader::oldest(DestinationNumber destination) {
  std::optional<std::int64_t> lowest;
  each_client(destination, [&](const std::string& client) {
    Rows rows = oldest_of_client_.rows(destination, client);
    if (rows.next() && (!lowest || rows.integer(0) < *lowest)) lowest = rows.integer(0);
    return true;
  });
  return lowest;
}

void ClaimReader::each_client(DestinationNumber destination, const std::function<bool(const std::string&)>& visit) {
  each_client_of(next_client_, destination, visit);
}

void ClaimReader::each_sendable_client(DestinationNumber destination,
                                       const std::function<bool(const std::string&)>& visit) {
  each_client_of(next_sendable_client_, destination, visit);
}

void ClaimReader::each_client_of(Statement& next, DestinationNumber destination,
                                 const std::function<bool(const std::string&)>& visit) {
  std::string client;  // below every name
  while (true) {
    {
      Rows rows = next.rows(destination, client);
      if (!rows.next()) return;
      client = rows.string(0);
    }
    if (!visit(client)) return;
  }
}

}  // namespace relay
