#include "journal/delivery_changes.hpp"

#include <algorithm>

#include "journal/interrupted_attempt.hpp"
#include "journal/sealed_text.hpp"
#include "journal/stored_enum.hpp"
#include "journal/writer_statements.hpp"

namespace relay {

std::vector<StandingDelivery> DeliveryChanges::all(const SubmissionRow& row) {
  std::vector<StandingDelivery> found;
  std::vector<DestinationNumber> destinations;
  for (const TotalsRow& destination : transaction_.state.totals.rows()) destinations.push_back(destination.destination);
  for (const DestinationNumber destination : destinations) {
    if (auto delivery = at(row, destination)) found.push_back(std::move(*delivery));
  }
  std::sort(found.begin(), found.end(),
            [](const StandingDelivery& a, const StandingDelivery& b) { return a.position < b.position; });
  return found;
}

std::optional<StandingDelivery> DeliveryChanges::at(const SubmissionRow& row, DestinationNumber destination) {
  StandingDelivery delivery;
  delivery.destination = destination;
  for (const TotalsRow& known : transaction_.state.totals.rows()) {
    if (known.destination == destination) delivery.name = known.name;
  }
  ActionStatements& statements = transaction_.statements.actions;
  if (Rows rows = statements.open_delivery.rows(destination, row.submission.client, row.seq); rows.next()) {
    delivery.state = DeliveryState::queued;
    delivery.due = rows.integer(0);
    delivery.position = rows.integer(1);
    delivery.attempts = rows.small_count(3);
    delivery.recorded = rows.small_count(5);
    delivery.possibly_delivered = rows.flag(6);
    delivery.resends = rows.small_count(7);
    if (!rows.is_null(8)) delivery.interrupted_since = rows.time(8);
    return delivery;
  }
  Rows rows = statements.ended_delivery.rows(row.seq, destination);
  if (!rows.next()) return std::nullopt;
  delivery.state = stored_end(rows.integer(0));
  delivery.position = rows.integer(1);
  delivery.ended_at = rows.time(2);
  delivery.attempts = rows.small_count(3);
  delivery.recorded = rows.small_count(4);
  delivery.possibly_delivered = rows.flag(5);
  delivery.resends = rows.small_count(6);
  return delivery;
}

bool DeliveryChanges::payload_erased(const SubmissionRow& row) {
  Rows rows = transaction_.statements.actions.payload_erased.rows(row.seq);
  return rows.next() && rows.flag(0);
}

void DeliveryChanges::queue(const SubmissionRow& row, const StandingDelivery& delivery) {
  transaction_.statements.actions.insert_delivery.run(delivery.destination, 0, row.seq, row.submission.client,
                                                      delivery.position, transaction_.now, delivery.attempts,
                                                      delivery.recorded, delivery.possibly_delivered, delivery.resends);
  ++totals(delivery.destination).queued;
  transaction_.may_have_work.push_back(delivery.destination);
}

void DeliveryChanges::take_out(const SubmissionRow& row, const StandingDelivery& delivery) {
  --totals(delivery.destination).of_state(delivery.state);
  if (delivery.state == DeliveryState::queued) {
    transaction_.statements.erase_delivery.run(delivery.destination, delivery.due, row.seq);
    transaction_.ended.push_back(row.submission.id);
  } else {
    transaction_.statements.actions.erase_record.run(row.seq, delivery.destination);
  }
}

void DeliveryChanges::retry(const SubmissionRow& row, const StandingDelivery& delivery) {
  take_out(row, delivery);
  queue(row, delivery);
}

void DeliveryChanges::resend(const SubmissionRow& row, const StandingDelivery& delivery) {
  take_out(row, delivery);
  StandingDelivery again = delivery;
  again.possibly_delivered = true;
  ++again.resends;
  ++totals(delivery.destination).delivered_before;
  queue(row, again);
}

StandingDelivery DeliveryChanges::end_interrupted(const SubmissionRow& row, StandingDelivery delivery) {
  if (!delivery.interrupted_since) return delivery;
  const DeliveryError error = interrupted_attempt_error();
  ++delivery.recorded;
  ++delivery.attempts;
  delivery.possibly_delivered = true;
  totals(delivery.destination).count_attempt(Outcome::unknown);
  transaction_.statements.insert_attempt.run(
      row.seq, delivery.destination, delivery.recorded, *delivery.interrupted_since, transaction_.now, Outcome::unknown,
      true, error.kind, std::nullopt, std::string_view(error.message), std::nullopt, std::nullopt);
  delivery.interrupted_since.reset();
  return delivery;
}

void DeliveryChanges::set_aside(const SubmissionRow& row, const StandingDelivery& standing) {
  const StandingDelivery delivery = end_interrupted(row, standing);
  take_out(row, delivery);
  const unsigned number = delivery.recorded + 1;
  // No try, so it counts as none; but the history tells why the delivery ended.
  transaction_.statements.insert_attempt.run(row.seq, delivery.destination, number, transaction_.now, transaction_.now,
                                             Outcome::refused, false, ErrorKind::set_aside, std::nullopt,
                                             std::string_view("set aside by an operator"), std::nullopt, std::nullopt);
  transaction_.statements.insert_record.run(row.seq, delivery.destination, delivery.position,
                                            DeliveryState::dead_letter, transaction_.now, delivery.attempts, number,
                                            delivery.possibly_delivered, delivery.resends);
  ++totals(delivery.destination).dead_letter;
}

void DeliveryChanges::discard(const SubmissionRow& row, const StandingDelivery& standing, const std::string& reason) {
  ActionStatements& statements = transaction_.statements.actions;
  const StandingDelivery delivery = end_interrupted(row, standing);
  if (delivery.state == DeliveryState::queued) {
    take_out(row, delivery);
    transaction_.statements.insert_record.run(row.seq, delivery.destination, delivery.position,
                                              DeliveryState::discarded, transaction_.now, delivery.attempts,
                                              delivery.recorded, delivery.possibly_delivered, delivery.resends);
  } else {
    --totals(delivery.destination).of_state(delivery.state);
    statements.end_record.run(row.seq, delivery.destination, DeliveryState::discarded, transaction_.now);
  }
  ++totals(delivery.destination).discarded;
  const TextPlace place{row.submission.id, SealedField::discard_reason, delivery.destination};
  statements.keep_discard_reason.run(row.seq, delivery.destination, store_text(reason, place, cipher_));
}

void DeliveryChanges::redirect(const SubmissionRow& row, const StandingDelivery& standing, DestinationNumber to) {
  const StandingDelivery delivery = end_interrupted(row, standing);
  take_out(row, delivery);
  ++totals(delivery.destination).moved_out;
  move_history(row, delivery, to);
  StandingDelivery moved = delivery;
  moved.destination = to;
  // Of that destination nothing was tried yet.
  moved.attempts = 0;
  moved.possibly_delivered = false;
  moved.resends = 0;
  queue(row, moved);
  ++totals(to).moved_in;
}

void DeliveryChanges::move_history(const SubmissionRow& row, const StandingDelivery& delivery, DestinationNumber to) {
  if (delivery.recorded == 0) return;
  ActionStatements& statements = transaction_.statements.actions;
  const TextPlace from_place{row.submission.id, SealedField::remote_text, delivery.destination};
  const TextPlace to_place{row.submission.id, SealedField::remote_text, to};
  std::vector<std::pair<unsigned, std::optional<std::string>>> attempts;
  for (Rows rows = statements.attempts.rows(row.seq, delivery.destination); rows.next();) {
    std::optional<std::string> remote_text;
    // A remote text whose seal doesn't open says nothing to anybody any more.
    if (!rows.is_null(1)) remote_text = read_text_column(rows, 1, from_place, cipher_).value_or("");
    attempts.emplace_back(rows.small_count(0), std::move(remote_text));
  }
  for (const auto& [number, remote_text] : attempts) {
    const auto stored = remote_text ? std::optional(store_text(*remote_text, to_place, cipher_)) : std::nullopt;
    statements.move_attempt.run(row.seq, delivery.destination, number, to, stored);
  }
  std::vector<std::int64_t> earlier;
  for (Rows rows = statements.earlier_destinations.rows(row.seq, delivery.destination); rows.next();) {
    earlier.push_back(rows.integer(0));
  }
  for (const std::int64_t up_to : earlier) {
    statements.move_earlier_destination.run(row.seq, delivery.destination, up_to, to);
  }
  if (earlier.empty() || earlier.back() < delivery.recorded) {
    statements.note_earlier_destination.run(row.seq, to, delivery.recorded, delivery.destination);
  }
}

}  // namespace relay
