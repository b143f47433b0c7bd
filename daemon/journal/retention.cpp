#include "journal/retention.hpp"

#include <algorithm>
#include <utility>

#include "journal/writer_statements.hpp"

namespace relay {

namespace {

constexpr std::chrono::seconds look_every{1};
// Bounds of a slice: entries, and bytes of the payloads in their rows. Chunks are the sweeper's, likewise bounded. Who
// submits meanwhile waits for one slice at most, which takes about as long as a commit.
constexpr std::size_t entries_a_slice = 25;
constexpr ByteCount bytes_a_slice = kibibytes(256);
// An entry this far ahead of the clock was written while the clock was wrong.
constexpr std::chrono::hours far_ahead{1};
// Free pages that are left for what comes in next, beside a tenth of the file.
constexpr std::int64_t free_pages_kept = 64;

std::int64_t number(Statement& statement) {
  Rows rows = statement.rows();
  return rows.next() ? rows.integer(0) : 0;
}

}  // namespace

Retention::Retention(Connection& connection, const JournalOptions& options, const ClockGuard& clock)
    : clock_(clock),
      keep_payload_(options.keep_delivered_payload),
      keep_record_(options.keep_record),
      keep_audit_(options.keep_audit),
      due_entries_(connection,
                   "SELECT ended_at, seq FROM erasure WHERE stage = ?1 AND ended_at <= ?2 ORDER BY ended_at, seq"
                   " LIMIT ?3"),
      far_entries_(connection,
                   "SELECT ended_at, seq FROM erasure WHERE stage = ?1 AND ended_at > ?2 ORDER BY ended_at, seq"
                   " LIMIT ?3"),
      insert_entry_(connection, "INSERT OR REPLACE INTO erasure VALUES (?1, ?2, ?3)"),
      erase_entry_(connection, "DELETE FROM erasure WHERE stage = ?1 AND ended_at = ?2 AND seq = ?3"),
      ends_(connection, "SELECT ended_at FROM record WHERE seq = ?1"),
      // SQLite makes pages one again where a row goes, not where one shrinks: emptied in its place, a small payload's
      // row would keep its share of the page for as long as the record is kept. So it goes away and comes back.
      empty_payload_(connection, "UPDATE submission SET seq = -seq, payload = x'', upload = NULL WHERE seq = ?1"),
      put_back_(connection, "UPDATE submission SET seq = -seq WHERE seq = -?1"),
      hand_over_chunks_(connection, "INSERT OR REPLACE INTO upload VALUES (?1, ?2)"),
      record_states_(connection, "SELECT destination, state FROM record WHERE seq = ?1"),
      erase_attempts_(connection, "DELETE FROM attempt WHERE seq = ?1"),
      erase_records_(connection, "DELETE FROM record WHERE seq = ?1"),
      erase_query_(connection, "DELETE FROM submission_query WHERE seq = ?1"),
      erase_submission_(connection, "DELETE FROM submission WHERE seq = ?1"),
      erase_discard_reasons_(connection, "DELETE FROM discard_reason WHERE seq = ?1"),
      erase_redirections_(connection, "DELETE FROM redirected WHERE seq = ?1"),
      audit_due_(connection, "SELECT 1 FROM audit INDEXED BY audit_at WHERE at <= ?1 LIMIT 1"),
      erase_audit_(connection,
                   "DELETE FROM audit WHERE number IN"
                   " (SELECT number FROM audit INDEXED BY audit_at WHERE at <= ?1 ORDER BY at LIMIT ?2)"),
      page_count_(connection, "PRAGMA page_count"),
      free_pages_(connection, "PRAGMA freelist_count"),
      give_back_(connection, "PRAGMA incremental_vacuum(64)") {}

std::chrono::milliseconds Retention::keep(Stage stage) const {
  return stage == Stage::payload ? keep_payload_ : keep_record_;
}

bool Retention::due(WallTime now, MonotonicTime monotonic_now) {
  if (looked_at_ && monotonic_now - *looked_at_ < look_every) return false;
  bool any = space_to_give_back() || audit_due_.rows(now - keep_audit_).next();
  for (const Stage stage : {Stage::payload, Stage::record}) {
    any = any || any_entry(stage, now - keep(stage)) || far_entries_.rows(stage, now + far_ahead, 1).next();
  }
  looked_at_ = any ? std::nullopt : std::optional(monotonic_now);
  return any;
}

bool Retention::any_entry(Stage stage, WallTime latest) {
  return due_entries_.rows(stage, latest, 1).next();
}

bool Retention::space_to_give_back() {
  if (!erased_anything_) return false;
  const std::int64_t free_pages = number(free_pages_);
  erased_anything_ = free_pages > free_pages_kept && free_pages > number(page_count_) / 10;
  return erased_anything_;
}

std::vector<Retention::Entry> Retention::entries(Stage stage, WallTime latest, std::size_t limit) {
  std::vector<Entry> found;
  for (Rows rows = due_entries_.rows(stage, latest, limit); rows.next();) {
    found.push_back({stage, rows.time(0), rows.integer(1)});
  }
  return found;
}

void Retention::run(WriteTransaction& transaction) {
  bring_back_far_entries(transaction.now);
  if (audit_due_.rows(transaction.now - keep_audit_).next()) {
    erase_audit_.run(transaction.now - keep_audit_, entries_a_slice);
    erased_anything_ = true;
  }
  std::size_t met = 0;
  std::uint64_t bytes = 0;
  for (const Stage stage : {Stage::payload, Stage::record}) {
    for (const Entry& entry : entries(stage, transaction.now - keep(stage), entries_a_slice)) {
      if (met == entries_a_slice || bytes >= bytes_a_slice.value) return;
      if (const auto row = transaction.statements.submissions.by_seq(entry.seq); row && !row->upload) {
        bytes += row->submission.size.value;
      }
      meet(transaction, entry);
      ++met;
    }
  }
  if (met == 0 && erased_anything_) give_back_.run();
}

void Retention::bring_back_far_entries(WallTime now) {
  for (const Stage stage : {Stage::payload, Stage::record}) {
    std::vector<Entry> far;
    for (Rows rows = far_entries_.rows(stage, now + far_ahead, entries_a_slice); rows.next();) {
      far.push_back({stage, rows.time(0), rows.integer(1)});
    }
    for (const Entry& entry : far) {
      erase_entry_.run(entry.stage, entry.ended_at, entry.seq);
      insert_entry_.run(entry.stage, now, entry.seq);
    }
  }
}

void Retention::meet(WriteTransaction& transaction, const Entry& entry) {
  SubmissionReader& submissions = transaction.statements.submissions;
  erase_entry_.run(entry.stage, entry.ended_at, entry.seq);
  const auto row = submissions.by_seq(entry.seq);
  // A damaged row is left for verify to name: its deliveries can't be found for sure.
  if (!row || !row->sound) return;
  const Ending ending = ending_of(submissions, *row);
  // Sent again meanwhile, or not all of it is over: its next end writes its own entry.
  if (!ending.over) return;
  // Another delivery of it ended later. One that ended in a future that the clock has left counts from its entry.
  const WallTime last_end = ending.last_end > transaction.now + far_ahead ? entry.ended_at : ending.last_end;
  if (last_end > transaction.now - keep(entry.stage)) {
    insert_entry_.run(entry.stage, last_end, entry.seq);
    return;
  }
  if (entry.stage == Stage::payload) {
    erase_payload(*row);
    insert_entry_.run(Stage::record, last_end, entry.seq);
  } else {
    erase_record(transaction, *row);
  }
  erased_anything_ = true;
}

Retention::Ending Retention::ending_of(SubmissionReader& submissions, const SubmissionRow& row) {
  const auto states = submissions.states(row);
  const bool over =
      states.size() == row.deliveries && std::all_of(states.begin(), states.end(), [](DeliveryState state) {
        return state == DeliveryState::delivered || state == DeliveryState::discarded;
      });
  if (!over) return {};
  Ending ending{!states.empty(), {}};
  for (Rows rows = ends_.rows(row.seq); rows.next();) {
    ending.last_end = std::max(ending.last_end, clock_.told_by_todays_clock(rows.time(0)));
  }
  return ending;
}

void Retention::erase_payload(const SubmissionRow& row) {
  empty_payload_.run(row.seq);
  put_back_.run(row.seq);
  hand_chunks_over(row);
}

void Retention::hand_chunks_over(const SubmissionRow& row) {
  if (!row.upload) return;
  hand_over_chunks_.run(*row.upload, blob_of(row.submission.id.bytes));
  to_sweep_.push_back(*row.upload);
}

void Retention::erase_record(WriteTransaction& transaction, const SubmissionRow& row) {
  // Where its payload is still there, that goes with the row.
  hand_chunks_over(row);
  for (Rows rows = record_states_.rows(row.seq); rows.next();) {
    TotalsRow& totals = transaction.state.totals.of(rows.integer(0));
    const bool delivered = static_cast<DeliveryState>(rows.integer(1)) == DeliveryState::delivered;
    ++(delivered ? totals.erased_delivered : totals.erased_discarded);
  }
  erase_attempts_.run(row.seq);
  erase_discard_reasons_.run(row.seq);
  erase_redirections_.run(row.seq);
  erase_records_.run(row.seq);
  erase_query_.run(row.seq);
  erase_submission_.run(row.seq);
}

std::vector<std::int64_t> Retention::settled(bool committed) {
  std::vector<std::int64_t> to_sweep = std::exchange(to_sweep_, {});
  if (!committed) to_sweep.clear();
  return to_sweep;
}

}  // namespace relay
