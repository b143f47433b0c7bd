// Queued deliveries by destination, client and seq. Each stands in one of two indexes: `delivery_sendable`, or
// `delivery_waiting` while it waits for its turn (turns.hpp). So a probe steps over none that wait, and a delivery
// that is in no order costs one entry; who asks for both asks in this way.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace relay {

// `query` once with each index, as one: a SELECT with "{index}" for the index's name and "{turn}" for what it holds of
// `due` (whose table's alias may stand before it). An ORDER BY or LIMIT of the whole goes behind it.
inline std::string of_any_turn(std::string_view query) {
  const auto with = [query](std::string_view index, std::string_view turn) {
    return fmt::format(fmt::runtime(query), fmt::arg("index", index), fmt::arg("turn", turn));
  };
  return with("delivery_sendable", "due >= 0") + " UNION ALL " + with("delivery_waiting", "due < 0");
}

// Those of destination ?1 above client ?2 and seq ?3, in that order, ?4 at most.
inline std::string select_open_by_client() {
  return of_any_turn(
             "SELECT client, seq FROM delivery INDEXED BY {index}"
             " WHERE destination = ?1 AND (client, seq) > (?2, ?3) AND {turn}") +
         " ORDER BY client, seq LIMIT ?4";
}

// A subquery: how many attempts are recorded of the queued delivery that row `of` names by destination and seq; its
// submission is `s`.
inline std::string select_recorded(std::string_view of) {
  return fmt::format("({})", of_any_turn(fmt::format("SELECT d.recorded FROM delivery d INDEXED BY {{index}}"
                                                     " WHERE d.destination = {0}.destination AND d.client = s.client"
                                                     " AND d.seq = {0}.seq AND d.{{turn}}",
                                                     of)));
}

}  // namespace relay
