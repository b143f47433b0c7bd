#include "journal/submission_rows.hpp"

#include <algorithm>
#include <string>

#include "journal/delivery_by_client.hpp"
#include "journal/receipt_text.hpp"
#include "journal/row_digest.hpp"
#include "journal/sealed_text.hpp"
#include "journal/stored_enum.hpp"
#include "submission/confirmation.hpp"

namespace relay {

namespace {

// False where the column doesn't hold exactly that many bytes.
template <std::size_t size>
bool copy_bytes(std::string_view from, std::array<std::uint8_t, size>& to) {
  if (from.size() != size) return false;
  std::copy(from.begin(), from.end(), to.begin());
  return true;
}

constexpr std::string_view attempt_columns =
    "number, started_at, ended_at, outcome, counted, error_kind, error_status, error_message, remote_text, receipt";

// A remote text whose seal doesn't open is left out: nothing depends on it.
AttemptRecord read_attempt(const Rows& rows, const TextPlace& remote_text, const PayloadCipher& cipher) {
  AttemptRecord attempt;
  attempt.number = rows.small_count(0);
  attempt.started_at = rows.time(1);
  attempt.ended_at = rows.time(2);
  attempt.outcome = stored_outcome(rows.integer(3));
  attempt.counted = rows.flag(4);
  if (!rows.is_null(5)) {
    DeliveryError error;
    error.kind = stored_error_kind(rows.integer(5));
    if (!rows.is_null(6)) error.status = static_cast<int>(rows.integer(6));
    error.message = rows.string(7);
    error.remote_text = read_text_column(rows, 8, remote_text, cipher).value_or("");
    attempt.error = std::move(error);
  }
  attempt.receipt = rows.is_null(9) ? Receipt() : parse_receipt(rows.bytes(9));
  return attempt;
}

}  // namespace

SubmissionRow read_submission_row(const Rows& rows, const PayloadCipher& cipher) {
  SubmissionRow row;
  Submission& submission = row.submission;
  row.seq = rows.integer(0);
  bool whole = copy_bytes(rows.bytes(1), submission.id.bytes);
  const auto text = [&](int column, SealedField field) {
    auto opened = read_text_column(rows, column, {submission.id, field}, cipher);
    row.seals_open = row.seals_open && opened.has_value();
    return std::move(opened).value_or("");
  };
  submission.client = rows.string(2);
  submission.content_type = rows.string(3);
  submission.content_type_parameters = text(4, SealedField::content_type_parameters);
  if (!rows.is_null(5)) submission.payload_name = text(5, SealedField::payload_name);
  if (!rows.is_null(14)) submission.query_parameters = text(14, SealedField::query_parameters);
  submission.intake = stored_intake(rows.integer(6));
  whole = whole && is_stored_intake(rows.integer(6));
  submission.size = {rows.count(7)};
  whole = copy_bytes(rows.bytes(8), submission.sha256.bytes) && whole;
  submission.accepted_at = rows.time(9);
  RowDigest digest{};
  whole = copy_bytes(rows.bytes(10), digest) && whole;
  row.deliveries = rows.small_count(11);
  row.repeats = rows.small_count(12);
  if (!rows.is_null(13)) row.upload = rows.integer(13);
  row.sound = whole && row.seals_open && row_digest_holds(digest, submission, cipher);
  return row;
}

SubmissionReader::SubmissionReader(Connection& connection, const PayloadCipher& cipher)
    : cipher_(cipher),
      by_id_(connection, "SELECT " + std::string(submission_columns) + " FROM submission WHERE id = ?1"),
      by_seq_(connection, "SELECT " + std::string(submission_columns) + " FROM submission WHERE seq = ?1"),
      id_(connection, "SELECT id FROM submission WHERE seq = ?1"),
      below_(connection, "SELECT " + std::string(submission_columns) +
                             " FROM submission WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2"),
      // One lookup a destination: there are few, and the totals name them all.
      queued_(connection,
              of_any_turn("SELECT d.position, t.destination, t.name, d.due, d.attempts, d.resends,"
                          " d.possibly_delivered, d.order_key"
                          " FROM totals t CROSS JOIN delivery d INDEXED BY {index}"
                          " ON d.destination = t.destination AND d.client = ?1 AND d.seq = ?2 AND d.{turn}")),
      records_(connection,
               "SELECT r.position, r.destination, t.name, r.state, r.ended_at, r.attempts, r.resends,"
               " r.possibly_delivered, r.confirmation, r.overall_status FROM record r"
               " JOIN totals t ON t.destination = r.destination WHERE r.seq = ?1"),
      last_attempt_(connection, "SELECT " + std::string(attempt_columns) +
                                    " FROM attempt WHERE seq = ?1 AND destination = ?2 ORDER BY number DESC LIMIT 1"),
      attempts_(connection, "SELECT " + std::string(attempt_columns) +
                                " FROM attempt WHERE seq = ?1 AND destination = ?2 ORDER BY number"),
      discard_reason_(connection, "SELECT reason FROM discard_reason WHERE seq = ?1 AND destination = ?2"),
      turns_(connection),
      redirected_(connection,
                  "SELECT r.up_to, t.name FROM redirected r JOIN totals t ON t.destination = r.other"
                  " WHERE r.seq = ?1 AND r.destination = ?2 ORDER BY r.up_to") {}

std::optional<SubmissionRow> SubmissionReader::by_id(const SubmissionId& id) {
  Rows rows = by_id_.rows(blob_of(id.bytes));
  if (!rows.next()) return std::nullopt;
  return read_submission_row(rows, cipher_);
}

std::optional<SubmissionRow> SubmissionReader::by_seq(std::int64_t seq) {
  Rows rows = by_seq_.rows(seq);
  if (!rows.next()) return std::nullopt;
  return read_submission_row(rows, cipher_);
}

std::optional<SubmissionId> SubmissionReader::id_of(std::int64_t seq) {
  Rows rows = id_.rows(seq);
  SubmissionId id;
  if (!rows.next() || !copy_bytes(rows.bytes(0), id.bytes)) return std::nullopt;
  return id;
}

std::vector<SubmissionRow> SubmissionReader::below(std::int64_t seq, std::size_t limit) {
  std::vector<SubmissionRow> found;
  Rows rows = below_.rows(seq, limit);
  while (rows.next()) found.push_back(read_submission_row(rows, cipher_));
  return found;
}

std::vector<SubmissionReader::PlacedDelivery> SubmissionReader::deliveries(const SubmissionRow& row) {
  std::vector<PlacedDelivery> found;
  for (Rows rows = queued_.rows(row.submission.client, row.seq); rows.next();) {
    PlacedDelivery delivery{rows.integer(0), rows.integer(1), {}, {}};
    delivery.view.destination = rows.string(2);
    delivery.view.state = DeliveryState::queued;
    if (rows.integer(3) > 0) delivery.view.next_attempt_at = rows.time(3);
    delivery.view.attempts = rows.small_count(4);
    delivery.view.resends = rows.small_count(5);
    delivery.view.possibly_delivered = rows.flag(6);
    if (rows.integer(3) == waits_for_its_turn) delivery.order_key = rows.string(7);
    found.push_back(std::move(delivery));
  }
  for (Rows rows = records_.rows(row.seq); rows.next();) {
    PlacedDelivery delivery{rows.integer(0), rows.integer(1), {}, {}};
    delivery.view.destination = rows.string(2);
    delivery.view.state = stored_end(rows.integer(3));
    if (delivery.view.state == DeliveryState::delivered) delivery.view.delivered_at = rows.time(4);
    delivery.view.attempts = rows.small_count(5);
    delivery.view.resends = rows.small_count(6);
    delivery.view.possibly_delivered = rows.flag(7);
    delivery.view.confirmation = confirmation_name(stored_confirmation(rows.integer(8)));
    delivery.view.overall_status = rows.string(9);
    found.push_back(std::move(delivery));
  }
  std::sort(found.begin(), found.end(),
            [](const PlacedDelivery& a, const PlacedDelivery& b) { return a.position < b.position; });
  return found;
}

void SubmissionReader::add_attempts(const SubmissionRow& row, PlacedDelivery& delivery, bool with_history) {
  const TextPlace remote_text{row.submission.id, SealedField::remote_text, delivery.destination};
  DeliveryView& view = delivery.view;
  std::optional<AttemptRecord> last;
  if (with_history) {
    for (Rows rows = attempts_.rows(row.seq, delivery.destination); rows.next();) {
      view.history.push_back(read_attempt(rows, remote_text, cipher_));
    }
    if (!view.history.empty()) last = view.history.back();
  } else if (Rows rows = last_attempt_.rows(row.seq, delivery.destination); rows.next()) {
    last = read_attempt(rows, remote_text, cipher_);
  }
  if (!last) return;
  // The first ones may have been made elsewhere: they say nothing about this destination.
  unsigned elsewhere = 0;
  for (Rows rows = redirected_.rows(row.seq, delivery.destination); rows.next();) {
    for (AttemptRecord& attempt : view.history) {
      if (attempt.number > elsewhere && attempt.number <= rows.small_count(0))
        attempt.other_destination = rows.string(1);
    }
    elsewhere = rows.small_count(0);
  }
  if (last->number <= elsewhere) return;
  view.last_attempt_at = last->started_at;
  view.last_error = std::move(last->error);
  view.receipt = std::move(last->receipt);
}

void SubmissionReader::add_what_it_waits_for(const SubmissionRow& row, PlacedDelivery& delivery) {
  if (delivery.order_key.empty()) return;
  const auto before = turns_.before(delivery.destination, delivery.order_key, row.seq);
  if (!before) return;
  delivery.view.waits_for = id_of(*before);
}

void SubmissionReader::add_discard_reason(const SubmissionRow& row, PlacedDelivery& delivery) {
  if (delivery.view.state != DeliveryState::discarded) return;
  Rows rows = discard_reason_.rows(row.seq, delivery.destination);
  if (!rows.next()) return;
  const TextPlace place{row.submission.id, SealedField::discard_reason, delivery.destination};
  delivery.view.discard_reason = read_text_column(rows, 0, place, cipher_);
}

SubmissionView SubmissionReader::view(const SubmissionRow& row, bool with_history) {
  SubmissionView view;
  view.submission = row.submission;
  view.repeats = row.repeats;
  std::vector<DeliveryState> states;
  for (PlacedDelivery& delivery : deliveries(row)) {
    add_attempts(row, delivery, with_history);
    add_discard_reason(row, delivery);
    add_what_it_waits_for(row, delivery);
    states.push_back(delivery.view.state);
    view.deliveries.push_back(std::move(delivery.view));
  }
  // A submission without a delivery is damage (verify names it); there is nothing left to do for it.
  view.state = states.empty() ? SubmissionState::discarded : fold_states(states);
  return view;
}

std::vector<DeliveryState> SubmissionReader::states(const SubmissionRow& row) {
  std::vector<DeliveryState> states;
  for (Rows rows = queued_.rows(row.submission.client, row.seq); rows.next();) states.push_back(DeliveryState::queued);
  for (Rows rows = records_.rows(row.seq); rows.next();) {
    states.push_back(stored_end(rows.integer(3)));
  }
  return states;
}

bool SubmissionReader::any_queued(const SubmissionRow& row) {
  return queued_.rows(row.submission.client, row.seq).next();
}

}  // namespace relay
