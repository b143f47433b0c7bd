#include "journal/schema.hpp"

#include <fmt/format.h>

#include <array>
#include <map>

namespace relay {

namespace {

// One string a version: from nothing to 1, from 1 to 2, … Never edit one that was released: add one.
constexpr std::array<const char*, journal_schema_version> steps = {
    // 1: the main path. Times are milliseconds since 1970 UTC.
    R"(CREATE TABLE journal (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  journal_id BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  openings INTEGER NOT NULL,
  commit_number INTEGER NOT NULL,
  next_seq INTEGER NOT NULL,
  next_upload INTEGER NOT NULL,
  idempotency_current INTEGER NOT NULL,
  idempotency_rotated_at INTEGER NOT NULL
);
CREATE TABLE submission (
  seq INTEGER PRIMARY KEY,
  id BLOB NOT NULL,
  client TEXT NOT NULL,
  content_type TEXT NOT NULL,
  content_type_parameters TEXT NOT NULL,
  payload_name,
  intake INTEGER NOT NULL,
  size INTEGER NOT NULL,
  sha256 BLOB NOT NULL,
  accepted_at INTEGER NOT NULL,
  row_digest BLOB NOT NULL,
  deliveries INTEGER NOT NULL,
  repeats INTEGER NOT NULL,
  upload INTEGER,
  payload BLOB
);
CREATE UNIQUE INDEX submission_id ON submission (id);
CREATE UNIQUE INDEX submission_upload ON submission (upload) WHERE upload IS NOT NULL;
CREATE TABLE payload_chunk (
  chunk INTEGER PRIMARY KEY,
  bytes BLOB NOT NULL
);
CREATE TABLE upload (
  upload INTEGER PRIMARY KEY,
  submission_id BLOB NOT NULL
);
CREATE TABLE delivery (
  destination INTEGER NOT NULL,
  due INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  client TEXT NOT NULL,
  position INTEGER NOT NULL,
  queued_since INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  tries INTEGER NOT NULL,
  recorded INTEGER NOT NULL,
  possibly_delivered INTEGER NOT NULL,
  resends INTEGER NOT NULL,
  PRIMARY KEY (destination, due, seq)
) WITHOUT ROWID;
CREATE UNIQUE INDEX delivery_client ON delivery (destination, client, seq);
CREATE TABLE record (
  seq INTEGER NOT NULL,
  destination INTEGER NOT NULL,
  position INTEGER NOT NULL,
  state INTEGER NOT NULL,
  ended_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  recorded INTEGER NOT NULL,
  possibly_delivered INTEGER NOT NULL,
  resends INTEGER NOT NULL,
  PRIMARY KEY (seq, destination)
) WITHOUT ROWID;
CREATE INDEX record_dead_letter ON record (destination, seq) WHERE state = 3;
CREATE TABLE attempt (
  seq INTEGER NOT NULL,
  destination INTEGER NOT NULL,
  number INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL,
  outcome INTEGER NOT NULL,
  counted INTEGER NOT NULL,
  error_kind INTEGER,
  error_status INTEGER,
  error_message TEXT,
  remote_text,
  receipt TEXT,
  PRIMARY KEY (seq, destination, number)
) WITHOUT ROWID;
CREATE TABLE idempotency_0 (hash BLOB PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE idempotency_1 (hash BLOB PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE totals (
  destination INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  accepted INTEGER NOT NULL,
  delivered INTEGER NOT NULL,
  queued INTEGER NOT NULL,
  dead_letter INTEGER NOT NULL,
  discarded INTEGER NOT NULL,
  moved_in INTEGER NOT NULL,
  moved_out INTEGER NOT NULL,
  attempts_accepted INTEGER NOT NULL,
  attempts_refused INTEGER NOT NULL,
  attempts_try_later INTEGER NOT NULL,
  attempts_broken INTEGER NOT NULL,
  attempts_unknown INTEGER NOT NULL,
  possible_repeats INTEGER NOT NULL,
  erased_delivered INTEGER NOT NULL,
  erased_discarded INTEGER NOT NULL
);
CREATE TABLE intake_total (intake INTEGER PRIMARY KEY, accepted INTEGER NOT NULL);
CREATE TABLE counter (name TEXT NOT NULL, labels TEXT NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (name, labels))
  WITHOUT ROWID;)",
    // 2: encryption at rest (sealing_keys.hpp).
    R"(CREATE TABLE sealing_key (
  key_id BLOB PRIMARY KEY,
  sealed_secret BLOB NOT NULL,
  first_seq INTEGER NOT NULL,
  end_seq INTEGER
) WITHOUT ROWID;)",
    // 3: retention (retention.hpp) and the clock it goes by (clock_guard.hpp). What has ended already is entered too.
    R"(CREATE TABLE erasure (
  stage INTEGER NOT NULL,
  ended_at INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (stage, ended_at, seq)
) WITHOUT ROWID;
CREATE TRIGGER record_ended AFTER INSERT ON record WHEN NEW.state IN (2, 4) BEGIN
  INSERT OR REPLACE INTO erasure VALUES (1, NEW.ended_at, NEW.seq);
END;
CREATE TRIGGER record_changed AFTER UPDATE OF state ON record WHEN NEW.state IN (2, 4) BEGIN
  INSERT OR REPLACE INTO erasure VALUES (1, NEW.ended_at, NEW.seq);
END;
INSERT OR REPLACE INTO erasure SELECT 1, ended_at, seq FROM record WHERE state IN (2, 4);
CREATE TABLE clock (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  last_seen INTEGER NOT NULL,
  doubted INTEGER NOT NULL,
  calm INTEGER NOT NULL
);)",
    // 4: what people do (operator_actions.hpp): its record, and what it leaves with deliveries and destinations.
    R"(CREATE TABLE audit (
  number INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  id BLOB NOT NULL,
  action TEXT NOT NULL,
  who TEXT NOT NULL,
  origin TEXT NOT NULL,
  submission BLOB,
  destination TEXT,
  detail NOT NULL,
  changed INTEGER NOT NULL
);
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_configuration ON audit (number) WHERE action = 'configuration';
CREATE TABLE paused (destination INTEGER PRIMARY KEY, since INTEGER NOT NULL);
CREATE TABLE discard_reason (
  seq INTEGER NOT NULL,
  destination INTEGER NOT NULL,
  reason NOT NULL,
  PRIMARY KEY (seq, destination)
) WITHOUT ROWID;
CREATE TABLE redirected (
  seq INTEGER NOT NULL,
  destination INTEGER NOT NULL,
  up_to INTEGER NOT NULL,
  other INTEGER NOT NULL,
  PRIMARY KEY (seq, destination, up_to)
) WITHOUT ROWID;)",
    // 5: files of drop folders that are in the journal and not yet moved (pending_moves.hpp).
    R"(CREATE TABLE pending_move (
  submission_id BLOB PRIMARY KEY,
  note NOT NULL
) WITHOUT ROWID;)",
    // 6: the clock's jumps ahead (clock_guard.hpp).
    R"(CREATE TABLE clock_jump (number INTEGER PRIMARY KEY, up_to INTEGER NOT NULL, ahead_by INTEGER NOT NULL);)",
    // 7: starts of attempts (attempt_start.hpp), and what destinations say later (follow_ups.hpp).
    R"(ALTER TABLE delivery ADD COLUMN started_at INTEGER;
ALTER TABLE record ADD COLUMN confirmation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE record ADD COLUMN overall_status TEXT;
ALTER TABLE record ADD COLUMN follow_up_due INTEGER;
ALTER TABLE record ADD COLUMN confirmed_at INTEGER;
CREATE INDEX record_follow_up ON record (destination, follow_up_due) WHERE follow_up_due IS NOT NULL;
CREATE INDEX record_unconfirmed ON record (destination, ended_at) WHERE follow_up_due IS NOT NULL;
CREATE INDEX record_unconfirmable ON record (destination, confirmed_at) WHERE confirmation = 3;)",
    // 8: what ReportStream's senders asked for beside their report.
    R"(CREATE TABLE submission_query (seq INTEGER PRIMARY KEY, parameters NOT NULL);)",
    // 9: what may be used once (used_marks.hpp).
    R"(CREATE TABLE used_mark (hash BLOB PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX used_mark_until ON used_mark (until);)",
    // 10: deliveries that keep an order (turns.hpp).
    R"(ALTER TABLE delivery ADD COLUMN order_key BLOB;
ALTER TABLE delivery ADD COLUMN order_stops INTEGER NOT NULL DEFAULT 0;
ALTER TABLE record ADD COLUMN order_key BLOB;
ALTER TABLE record ADD COLUMN order_stops INTEGER NOT NULL DEFAULT 0;
CREATE INDEX delivery_order ON delivery (destination, order_key, seq) WHERE order_key IS NOT NULL;
CREATE INDEX delivery_turn ON delivery (destination, order_key) WHERE due < 0;
CREATE INDEX delivery_sendable ON delivery (destination, client, seq) WHERE due >= 0;
CREATE INDEX record_order ON record (destination, order_key, seq) WHERE state = 3 AND order_stops = 1;)",
    // 11: fewer pages a commit: one index by client for each delivery (delivery_by_client.hpp), and the doors' totals
    // in the row that every commit changes anyway.
    R"(DROP INDEX delivery_client;
DROP INDEX delivery_sendable;
CREATE UNIQUE INDEX delivery_sendable ON delivery (destination, client, seq) WHERE due >= 0;
CREATE UNIQUE INDEX delivery_waiting ON delivery (destination, client, seq) WHERE due < 0;
ALTER TABLE journal ADD COLUMN accepted_http INTEGER NOT NULL DEFAULT 0;
ALTER TABLE journal ADD COLUMN accepted_submit INTEGER NOT NULL DEFAULT 0;
ALTER TABLE journal ADD COLUMN accepted_mllp INTEGER NOT NULL DEFAULT 0;
ALTER TABLE journal ADD COLUMN accepted_folder INTEGER NOT NULL DEFAULT 0;
ALTER TABLE journal ADD COLUMN accepted_azure_storage_queue INTEGER NOT NULL DEFAULT 0;
ALTER TABLE journal ADD COLUMN accepted_import INTEGER NOT NULL DEFAULT 0;
UPDATE journal SET
  accepted_http = coalesce((SELECT accepted FROM intake_total WHERE intake = 1), 0),
  accepted_submit = coalesce((SELECT accepted FROM intake_total WHERE intake = 2), 0),
  accepted_mllp = coalesce((SELECT accepted FROM intake_total WHERE intake = 3), 0),
  accepted_folder = coalesce((SELECT accepted FROM intake_total WHERE intake = 4), 0),
  accepted_azure_storage_queue = coalesce((SELECT accepted FROM intake_total WHERE intake = 5), 0),
  accepted_import = coalesce((SELECT accepted FROM intake_total WHERE intake = 6), 0);
DROP TABLE intake_total;)",
};

void apply_steps(Connection& connection, std::int64_t from, std::int64_t to = journal_schema_version) {
  for (std::int64_t version = from; version < to; ++version) {
    connection.execute(steps.at(static_cast<std::size_t>(version)));
  }
  connection.execute(fmt::format("PRAGMA user_version = {}", to).c_str());
}

// "table submission" → its text, for everything in the schema.
std::map<std::string, std::string> schema_objects(Connection& connection) {
  std::map<std::string, std::string> objects;
  Statement statement(connection,
                      "SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_schema"
                      " WHERE name NOT GLOB 'sqlite_stat*'");  // ANALYZE leaves those

  Rows rows = statement.rows();
  while (rows.next()) objects.emplace(rows.string(0), rows.string(1));
  return objects;
}

}  // namespace

void create_schema(Connection& connection, const Uuid& journal_id, WallTime now, std::int64_t version) {
  // A power cut in an earlier first start can leave a WAL beside a database whose header doesn't know of it yet. SQLite
  // then takes the mode for set and leaves the header alone, and after the first stop in good order, which ends the
  // WAL, the journal would go on without one. So the mode is always set anew, from none, and the header written with
  // it.
  connection.execute("PRAGMA journal_mode = DELETE");
  connection.execute(fmt::format("PRAGMA page_size = {}", journal_page_size).c_str());
  connection.execute("PRAGMA auto_vacuum = INCREMENTAL");
  if (connection.text("PRAGMA journal_mode = WAL") != "wal") {
    throw DatabaseError(SQLITE_CANTOPEN, "SQLite can't use a write-ahead log here (no shared memory for it)");
  }
  connection.execute("BEGIN IMMEDIATE");
  connection.execute(fmt::format("PRAGMA application_id = {}", journal_application_id).c_str());
  apply_steps(connection, 0, version);
  Statement(connection,
            "INSERT INTO journal (only, journal_id, created_at, openings, commit_number, next_seq, next_upload,"
            " idempotency_current, idempotency_rotated_at) VALUES (1, ?1, ?2, 0, 0, 1, 1, 0, ?2)")
      .run(blob_of(journal_id.bytes), now);
  connection.execute("COMMIT");
}

void migrate_schema(Connection& connection) {
  const std::int64_t version = connection.integer("PRAGMA user_version");
  if (version >= journal_schema_version) return;
  connection.execute("BEGIN IMMEDIATE");
  apply_steps(connection, version);
  connection.execute("COMMIT");
  // An older daemon that looks at the file alone must see the new version.
  connection.checkpoint(Connection::Checkpoint::truncate);
}

std::vector<std::string> schema_differences(Connection& connection) {
  Connection ours = Connection::in_memory();
  apply_steps(ours, 0);
  const auto expected = schema_objects(ours);
  const auto found = schema_objects(connection);
  std::vector<std::string> differences;
  for (const auto& [name, sql] : expected) {
    const auto there = found.find(name);
    if (there == found.end()) {
      differences.push_back(fmt::format("{} is missing", name));
    } else if (there->second != sql) {
      differences.push_back(fmt::format("{} has another definition than this version's", name));
    }
  }
  for (const auto& [name, sql] : found) {
    if (!expected.contains(name)) differences.push_back(fmt::format("{} doesn't belong to a journal", name));
  }
  return differences;
}

}  // namespace relay
