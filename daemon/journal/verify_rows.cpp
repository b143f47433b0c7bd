#include "journal/verify_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "journal/delivery_by_client.hpp"
#include "journal/pending_moves.hpp"
#include "journal/sealed_text.hpp"
#include "journal/stored_enum.hpp"
#include "journal/turns.hpp"
#include "journal/uploads.hpp"

namespace relay {

namespace {

// Runs `visit` for every row and pauses now and then.
template <class Visit>
void each_row(Rows rows, const VerifyRows::Pause& pause, Visit visit) {
  constexpr unsigned rows_between_pauses = 256;
  for (unsigned n = 0; rows.next(); ++n) {
    if (n % rows_between_pauses == 0) pause();
    visit(rows);
  }
}

}  // namespace

VerifyRows::VerifyRows(Connection& connection, VerifyReport& report, Report add, const PayloadCipher& cipher,
                       bool seals_checked)
    : connection_(connection),
      report_(report),
      cipher_(cipher),
      seals_checked_(seals_checked),
      add_(std::move(add)),
      submissions_(connection, cipher),
      payloads_(connection),
      totals_(TotalsReader(connection).read()) {}

std::string VerifyRows::id_of(std::int64_t seq) {
  const auto row = submissions_.by_seq(seq);
  return row ? row->submission.id.text() : "-";
}

void VerifyRows::check_submissions(const Pause& pause) {
  Statement all(
      connection_,
      "SELECT " + std::string(submission_columns) +
          ", payload IS NOT NULL, typeof(payload) IS 'blob' AND length(payload) IS 0 FROM submission ORDER BY seq");
  each_row(all.rows(), pause, [&](const Rows& rows) {
    const SubmissionRow row = read_submission_row(rows, cipher_);
    ++report_.submissions;
    highest_seq_ = std::max(highest_seq_, row.seq);
    if (row.upload) highest_upload_ = std::max(highest_upload_, *row.upload);
    check_submission(row, rows.flag(submission_column_count), rows.flag(submission_column_count + 1));
  });
}

void VerifyRows::check_submission(const SubmissionRow& row, bool has_inline_payload, bool erased) {
  const std::string id = row.submission.id.text();
  if (!row.sound && seals_checked_) {
    if (row.seals_open) {
      add_("digest", id, "the row doesn't match its digest: its metadata isn't what was taken in");
    } else {
      add_("seal", id, "a sealed text of its metadata doesn't open");
    }
  }
  if (erased && !row.upload) {
    check_erased(row);
    return;
  }
  if (has_inline_payload == row.upload.has_value()) {
    add_("state", id, has_inline_payload ? "it has a payload in its row and one in chunks" : "it has no payload");
    if (!row.upload) return;
  }
  const auto flaw = check_payload(payloads_, payload_place(row.seq, row.upload, row.submission, true), cipher_);
  if (seals_checked_ || !flaw || !flaw->seal) {
    ++report_.payloads_checked;
    if (flaw) add_(flaw->seal ? "seal" : "digest", id, flaw->text);
  }
  check_deliveries_of(row);
}

void VerifyRows::check_erased(const SubmissionRow& row) {
  check_deliveries_of(row);
  if (!row.sound) return;
  for (const DeliveryState state : submissions_.states(row)) {
    if (state == DeliveryState::delivered || state == DeliveryState::discarded) continue;
    add_("state", row.submission.id.text(), "its payload was erased, but a delivery of it isn't over");
    return;
  }
}

void VerifyRows::check_deliveries_of(const SubmissionRow& row) {
  if (!row.sound) return;  // its deliveries are found by its client
  const std::string id = row.submission.id.text();
  const std::size_t deliveries = submissions_.states(row).size();
  if (deliveries != row.deliveries) {
    add_("orphan", id, fmt::format("{} of its {} deliveries are there", deliveries, row.deliveries));
  }
}

void VerifyRows::check_queries(const Pause& pause) {
  Statement orphans(connection_,
                    "SELECT q.seq FROM submission_query q LEFT JOIN submission s ON s.seq = q.seq WHERE s.seq IS NULL");
  each_row(orphans.rows(), pause, [&](const Rows& rows) {
    add_("orphan", "-", fmt::format("query parameters (number {}) have no submission", rows.integer(0)));
  });
}

void VerifyRows::check_deliveries(const Pause& pause) {
  Statement all(connection_,
                "SELECT d.destination, d.seq, s.id IS NULL, s.client IS d.client, t.name IS NULL, r.seq IS NOT NULL,"
                " d.attempts > d.recorded OR d.due < -1 OR (d.due = -1 AND d.order_key IS NULL) OR d.attempts < 0 OR "
                "d.recorded < 0,"
                " d.due < 0 AND EXISTS (SELECT 1 FROM delivery o INDEXED BY delivery_sendable WHERE"
                "  o.destination = d.destination AND o.client = d.client AND o.seq = d.seq AND o.due >= 0)"
                " FROM delivery d LEFT JOIN submission s ON s.seq = d.seq"
                " LEFT JOIN totals t ON t.destination = d.destination"
                " LEFT JOIN record r ON r.seq = d.seq AND r.destination = d.destination");
  each_row(all.rows(), pause, [&](const Rows& rows) {
    ++report_.deliveries;
    ++counted_[rows.integer(0)].queued;
    const std::int64_t seq = rows.integer(1);
    if (rows.flag(2)) {
      add_("orphan", "-", fmt::format("a queued delivery (number {}) has no submission", seq));
      return;
    }
    if (!rows.flag(3)) add_("state", id_of(seq), "a queued delivery is kept under another client than its submission");
    if (rows.flag(4)) add_("orphan", id_of(seq), "a queued delivery is for a destination that isn't known");
    if (rows.flag(5)) add_("state", id_of(seq), "a delivery is queued and ended at once");
    if (rows.flag(6)) add_("state", id_of(seq), "a queued delivery has impossible counts");
    if (rows.flag(7)) add_("state", id_of(seq), "a delivery is queued twice: it waits for its turn, and it doesn't");
  });
}

void VerifyRows::check_turns(const Pause& pause) {
  Statement waiting(connection_,
                    "SELECT destination, seq, order_key FROM delivery WHERE due = -1 AND order_key NOTNULL");
  TurnReader turns(connection_);
  each_row(waiting.rows(), pause, [&](const Rows& rows) {
    if (turns.before(rows.integer(0), rows.string(2), rows.integer(1))) return;
    add_("state", id_of(rows.integer(1)), "a queued delivery waits for its turn, but nothing is before it");
  });
}

void VerifyRows::check_records(const Pause& pause) {
  Statement all(connection_,
                "SELECT r.destination, r.seq, r.state, s.id IS NULL, t.name IS NULL,"
                " r.confirmation NOT BETWEEN 0 AND 3 OR (r.confirmation > 0 AND r.state <> 2)"
                " OR (r.follow_up_due IS NOT NULL AND r.confirmation <> 1)"
                " OR ((r.confirmed_at IS NULL) <> (r.confirmation < 2))"
                " FROM record r"
                " LEFT JOIN submission s ON s.seq = r.seq LEFT JOIN totals t ON t.destination = r.destination");
  each_row(all.rows(), pause, [&](const Rows& rows) {
    ++report_.deliveries;
    const std::int64_t seq = rows.integer(1);
    const std::int64_t state = rows.integer(2);
    Counted& counted = counted_[rows.integer(0)];
    if (!is_stored_end(state)) {
      add_("state", id_of(seq), "an ended delivery has a state that doesn't exist");
    } else {
      const std::array<std::uint64_t*, 3> counts = {&counted.delivered, &counted.dead_letter, &counted.discarded};
      ++*counts.at(static_cast<std::size_t>(state - 2));
    }
    if (rows.flag(3)) add_("orphan", "-", fmt::format("an ended delivery (number {}) has no submission", seq));
    if (rows.flag(4)) add_("orphan", id_of(seq), "an ended delivery is for a destination that isn't known");
    if (rows.flag(5)) add_("state", id_of(seq), "a delivery has an impossible confirmation");
  });
  counted_all_ = true;
}

void VerifyRows::check_attempts(const Pause& pause) {
  Statement all(connection_,
                "SELECT a.seq, a.number, a.outcome, s.id IS NULL, a.remote_text, a.destination, s.id,"
                " coalesce(r.recorded, " +
                    select_recorded("a") +
                    "), a.error_kind"
                    " FROM attempt a LEFT JOIN submission s ON s.seq = a.seq"
                    " LEFT JOIN record r ON r.seq = a.seq AND r.destination = a.destination");
  each_row(all.rows(), pause, [&](const Rows& rows) {
    const std::int64_t seq = rows.integer(0);
    const std::int64_t outcome = rows.integer(2);
    if (rows.flag(3)) {
      add_("orphan", "-", fmt::format("an attempt (number {}) has no submission", seq));
    } else if (rows.is_null(7)) {
      add_("orphan", id_of(seq), "an attempt has no delivery");
    } else if (rows.integer(1) < 1 || rows.integer(1) > rows.integer(7)) {
      add_("state", id_of(seq), "an attempt has a number that its delivery doesn't count");
    }
    if (seals_checked_ && rows.is_blob(4) && rows.bytes(6).size() == sizeof(Uuid::bytes)) {
      TextPlace place{{}, SealedField::remote_text, rows.integer(5)};
      std::copy_n(rows.bytes(6).begin(), place.submission.bytes.size(), place.submission.bytes.begin());
      if (!read_text_column(rows, 4, place, cipher_))
        add_("seal", id_of(seq), "the remote text of an attempt doesn't open");
    }
    if (!rows.is_null(8) && !is_stored_error_kind(rows.integer(8))) {
      add_("state", id_of(seq), "an attempt has an error of a kind that doesn't exist");
    }
    if (!is_stored_outcome(outcome)) add_("state", id_of(seq), "an attempt has an outcome that doesn't exist");
  });
}

void VerifyRows::check_chunks(const Pause& pause) {
  // One step an upload, not a chunk: the keys of an upload are next to each other.
  Statement next(connection_, "SELECT chunk FROM payload_chunk WHERE chunk >= ?1 ORDER BY chunk LIMIT 1");
  Statement taken(connection_, "SELECT 1 FROM submission WHERE upload = ?1");
  Statement under_way(connection_, "SELECT 1 FROM upload WHERE upload = ?1");
  std::int64_t from = 0;
  while (true) {
    pause();
    Rows rows = next.rows(from);
    if (!rows.next()) return;
    const std::int64_t upload = rows.integer(0) >> chunk_bits;
    highest_upload_ = std::max(highest_upload_, upload);
    if (!taken.rows(upload).next() && !under_way.rows(upload).next()) {
      add_("orphan", "-", fmt::format("the chunks of upload {} belong to no submission", upload));
    }
    from = chunk_key(upload + 1, 0);
  }
}

void VerifyRows::check_pending_moves(const Pause& pause) {
  Statement all(connection_, "SELECT submission_id, note FROM pending_move");
  each_row(all.rows(), pause, [&](const Rows& rows) {
    const auto id = pending_move_id(rows);
    if (!id) {
      add_("state", "-", "the note of a file to be moved has no submission's id");
    } else if (rows.is_blob(1) && seals_checked_ && !read_pending_move(rows, *id, cipher_)) {
      add_("seal", id->text(), "the note of a file to be moved doesn't open");
    }
  });
}

void VerifyRows::check_totals() {
  if (!counted_all_) return;  // the reason is told already
  for (const TotalsRow& row : totals_.rows()) check_totals_row(row);
  std::uint64_t taken = 0;
  for (const auto& [intake, accepted] : totals_.by_intake()) taken += accepted;
  if (taken < report_.submissions) {
    add_("totals", "-", fmt::format("{} submissions are there, the doors' totals say {}", report_.submissions, taken));
  }
}

void VerifyRows::check_totals_row(const TotalsRow& row) {
  const Counted& counted = counted_[row.destination];
  const auto compare = [&](const char* state, std::uint64_t rows, std::uint64_t erased, std::uint64_t total) {
    if (rows + erased == total) return;
    add_("totals", "-",
         fmt::format("{}: {} {} deliveries are there and {} were erased, the total says {}", row.name, rows, state,
                     erased, total));
  };
  compare("queued", counted.queued, 0, row.queued);
  compare("delivered", counted.delivered, row.erased_delivered, row.delivered);
  compare("dead_letter", counted.dead_letter, 0, row.dead_letter);
  compare("discarded", counted.discarded, row.erased_discarded, row.discarded);
  if (row.accepted + row.moved_in != row.delivered + row.queued + row.dead_letter + row.discarded + row.moved_out) {
    add_("totals", "-",
         fmt::format("{}: accepted {} + moved in {} isn't delivered {} + queued {} + dead letters {} + discarded {} + "
                     "moved out {}",
                     row.name, row.accepted, row.moved_in, row.delivered, row.queued, row.dead_letter, row.discarded,
                     row.moved_out));
  }
}

void VerifyRows::check_own_row(const std::optional<Uuid>& journal_id) {
  Statement own(connection_, "SELECT next_seq, next_upload, journal_id FROM journal WHERE only = 1");
  Rows rows = own.rows();
  if (!rows.next()) {
    add_("state", "-", "the journal's own row is missing");
    return;
  }
  const std::string_view id = rows.bytes(2);
  if (id.size() != sizeof(Uuid::bytes)) {
    add_("state", "-", "the journal's own id is damaged");
  } else if (journal_id && !std::equal(id.begin(), id.end(), journal_id->bytes.begin(),
                                       [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; })) {
    add_("state", "-", "the lock file names another journal than this one");
  }
  if (rows.integer(0) <= highest_seq_) add_("state", "-", "the next submission would get a number that is in use");
  if (rows.integer(1) <= highest_upload_) add_("state", "-", "the next upload would get a number that is in use");
}

}  // namespace relay
