#include "journal/writer_statements.hpp"

#include "journal/delivery_by_client.hpp"

namespace relay {

WriterStatements::WriterStatements(Connection& connection, const PayloadCipher& cipher)
    : begin(connection, "BEGIN IMMEDIATE"),
      commit(connection, "COMMIT"),
      savepoint(connection, "SAVEPOINT command"),
      release_savepoint(connection, "RELEASE command"),
      roll_back_to_savepoint(connection, "ROLLBACK TO command"),
      save_state(connection,
                 "UPDATE journal SET openings = ?1, commit_number = ?2, next_seq = ?3, next_upload = ?4,"
                 " idempotency_current = ?5, idempotency_rotated_at = ?6 WHERE only = 1"),
      save_counter(connection, "INSERT OR REPLACE INTO counter VALUES (?1, ?2, ?3)"),
      page_count(connection, "PRAGMA page_count"),
      free_pages(connection, "PRAGMA freelist_count"),
      insert_submission(connection,
                        "INSERT INTO submission VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0, ?13,"
                        " ?14)"),
      insert_query(connection, "INSERT INTO submission_query VALUES (?1, ?2)"),
      add_repeat(connection, "UPDATE submission SET repeats = repeats + 1 WHERE seq = ?1"),
      insert_upload(connection, "INSERT INTO upload VALUES (?1, ?2)"),
      erase_upload(connection, "DELETE FROM upload WHERE upload = ?1"),
      insert_chunk(connection, "INSERT INTO payload_chunk VALUES (?1, ?2)"),
      insert_pending_move(connection, "INSERT INTO pending_move VALUES (?1, ?2)"),
      erase_pending_move(connection, "DELETE FROM pending_move WHERE submission_id = ?1"),
      insert_delivery(connection,
                      "INSERT INTO delivery (destination, due, seq, client, position, queued_since, attempts, tries,"
                      " recorded, possibly_delivered, resends, order_key, order_stops)"
                      " VALUES (?1, ?6, ?2, ?3, ?4, ?5, 0, 0, 0, 0, 0, ?7, ?8)"),
      delivery_at(connection,
                  "SELECT position, attempts, tries, recorded, possibly_delivered, resends, order_key, order_stops"
                  " FROM delivery"
                  " WHERE destination = ?1 AND due = ?2 AND seq = ?3"),
      delivery_place(connection, of_any_turn("SELECT due FROM delivery INDEXED BY {index}"
                                             " WHERE destination = ?1 AND client = ?2 AND seq = ?3 AND {turn}")),
      erase_delivery(connection, "DELETE FROM delivery WHERE destination = ?1 AND due = ?2 AND seq = ?3"),
      put_off_delivery(connection,
                       "UPDATE delivery SET due = ?4, attempts = ?5, tries = ?6, recorded = ?7,"
                       " possibly_delivered = ?8, started_at = NULL WHERE destination = ?1 AND due = ?2 AND seq = ?3"),
      start_attempt(connection,
                    "UPDATE delivery SET started_at = ?4, possibly_delivered = iif(?5, 0, possibly_delivered)"
                    " WHERE destination = ?1 AND due = ?2 AND seq = ?3"),
      far_deliveries(connection,
                     "SELECT due, seq FROM delivery WHERE destination = ?1 AND due > ?2 ORDER BY due, seq LIMIT ?3"),
      bring_back_delivery(connection, "UPDATE delivery SET due = ?4 WHERE destination = ?1 AND due = ?2 AND seq = ?3"),
      insert_record(connection,
                    "INSERT INTO record (seq, destination, position, state, ended_at, attempts, recorded,"
                    " possibly_delivered, resends, order_key, order_stops)"
                    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"),
      begin_follow_up(connection,
                      "UPDATE record SET confirmation = 1, follow_up_due = ?3 WHERE seq = ?1 AND destination = ?2"),
      save_follow_up(connection,
                     "UPDATE record SET confirmation = ?4, overall_status = coalesce(?5, overall_status),"
                     " follow_up_due = ?6, confirmed_at = ?7"
                     " WHERE seq = ?1 AND destination = ?2 AND state = 2 AND ended_at = ?3"
                     " AND follow_up_due IS NOT NULL"),
      last_attempt(connection,
                   "SELECT outcome, error_kind, error_status, error_message FROM attempt"
                   " WHERE seq = ?1 AND destination = ?2 AND number = ?3"),
      insert_attempt(connection,
                     "INSERT OR REPLACE INTO attempt VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"),
      repeat_attempt(connection,
                     "UPDATE attempt SET started_at = ?4, ended_at = ?5, remote_text = ?6"
                     " WHERE seq = ?1 AND destination = ?2 AND number = ?3"),
      actions(connection),
      submissions(connection, cipher),
      idempotency(connection),
      totals(connection),
      turns(connection) {}

}  // namespace relay
