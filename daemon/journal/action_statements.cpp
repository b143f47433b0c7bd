#include "journal/action_statements.hpp"

#include "journal/delivery_by_client.hpp"

namespace relay {

ActionStatements::ActionStatements(Connection& connection)
    : open_delivery(connection,
                    of_any_turn("SELECT due, position, queued_since, attempts, tries, recorded, possibly_delivered,"
                                " resends, order_key, order_stops, started_at FROM delivery INDEXED BY {index}"
                                " WHERE destination = ?1 AND client = ?2 AND seq = ?3 AND {turn}")),
      ended_delivery(connection,
                     "SELECT state, position, ended_at, attempts, recorded, possibly_delivered, resends,"
                     " order_key, order_stops FROM record"
                     " WHERE seq = ?1 AND destination = ?2"),
      insert_delivery(connection,
                      "INSERT INTO delivery (destination, due, seq, client, position, queued_since, attempts, tries,"
                      " recorded, possibly_delivered, resends, order_key, order_stops)"
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9, ?10, ?11, ?12)"),
      erase_record(connection, "DELETE FROM record WHERE seq = ?1 AND destination = ?2"),
      end_record(connection, "UPDATE record SET state = ?3, ended_at = ?4 WHERE seq = ?1 AND destination = ?2"),
      keep_discard_reason(connection, "INSERT OR REPLACE INTO discard_reason VALUES (?1, ?2, ?3)"),
      erase_discard_reason(connection, "DELETE FROM discard_reason WHERE seq = ?1 AND destination = ?2"),
      payload_erased(connection,
                     "SELECT upload IS NULL AND typeof(payload) = 'blob' AND length(payload) = 0 FROM submission"
                     " WHERE seq = ?1"),
      dead_letters(connection,
                   "SELECT seq FROM record INDEXED BY record_dead_letter"
                   " WHERE destination = ?1 AND state = 3 AND seq > ?2 ORDER BY seq LIMIT ?3"),
      open_by_client(connection, select_open_by_client()),
      ended_since(connection,
                  "SELECT ended_at, seq FROM erasure WHERE stage = 1 AND (ended_at, seq) > (?1, ?2)"
                  " ORDER BY ended_at, seq LIMIT ?3"),
      attempts(connection,
               "SELECT number, remote_text FROM attempt WHERE seq = ?1 AND destination = ?2 ORDER BY number"),
      move_attempt(connection,
                   "UPDATE attempt SET destination = ?4, remote_text = ?5"
                   " WHERE seq = ?1 AND destination = ?2 AND number = ?3"),
      earlier_destinations(connection,
                           "SELECT up_to FROM redirected WHERE seq = ?1 AND destination = ?2 ORDER BY up_to"),
      move_earlier_destination(connection,
                               "UPDATE redirected SET destination = ?4"
                               " WHERE seq = ?1 AND destination = ?2 AND up_to = ?3"),
      note_earlier_destination(connection, "INSERT INTO redirected VALUES (?1, ?2, ?3, ?4)"),
      pause(connection, "INSERT OR IGNORE INTO paused VALUES (?1, ?2)"),
      resume(connection, "DELETE FROM paused WHERE destination = ?1"),
      next_audit_number(connection, "SELECT coalesce(max(number), 0) + 1 FROM audit"),
      insert_audit(connection, "INSERT INTO audit VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"),
      add_to_audit(connection, "UPDATE audit SET changed = changed + ?2 WHERE number = ?1"),
      last_configuration(
          connection,
          "SELECT id, detail FROM audit WHERE action = 'configuration' AND number > 0 ORDER BY number DESC LIMIT 1") {}

}  // namespace relay
