#include "journal/settlement.hpp"

#include "journal/attempt_start.hpp"
#include "journal/receipt_text.hpp"
#include "journal/sealed_text.hpp"
#include "journal/writer_statements.hpp"

namespace relay {

namespace {

DeliveryState end_state(Settlement::Kind kind) {
  return kind == Settlement::Kind::delivered ? DeliveryState::delivered : DeliveryState::dead_letter;
}

std::int64_t due_of(const Settlement& settlement) {
  // 0 means "at its place among what was never put off".
  return settlement.not_before ? std::max<std::int64_t>(settlement.not_before->time_since_epoch().count(), 1) : 0;
}

bool is_broken_with(const Rows& attempt, const DeliveryError& error) {
  const bool same_status = attempt.is_null(2) ? !error.status : error.status == static_cast<int>(attempt.integer(2));
  return static_cast<Outcome>(attempt.integer(0)) == Outcome::broken &&
         static_cast<ErrorKind>(attempt.integer(1)) == error.kind && same_status && attempt.bytes(3) == error.message;
}

}  // namespace

SettleCommand::SettleCommand(ClaimToken token, std::optional<ClaimedDelivery> delivery, Settlement settlement,
                             SettleCallback callback, const PayloadCipher& cipher, ClaimSet& claims)
    : token_(token),
      delivery_(std::move(delivery)),
      settlement_(std::move(settlement)),
      callback_(std::move(callback)),
      claims_(claims) {
  if (!delivery_ || !settlement_.attempt.error) return;
  remote_text_ = store_text(settlement_.attempt.error->remote_text,
                            {delivery_->id, SealedField::remote_text, delivery_->destination}, cipher);
}

void SettleCommand::apply(WriteTransaction& transaction) {
  gone_ = false;
  if (!delivery_) return;
  const auto open = open_row(transaction);
  if (!open) {
    gone_ = true;
    return;
  }
  const ClaimedDelivery& delivery = *delivery_;
  const AttemptRecord& attempt = settlement_.attempt;
  TotalsRow& totals = transaction.state.totals.of(delivery.destination);
  if (settlement_.recorded) totals.count_attempt(attempt.outcome);
  // A broken try didn't get as far as sending.
  if (settlement_.sent && open->possibly_delivered && attempt.outcome != Outcome::broken) ++totals.possible_repeats;

  const unsigned recorded = settlement_.recorded ? record_attempt(transaction, *open) : open->recorded;
  const unsigned attempts = open->attempts + (settlement_.recorded && attempt.counted ? 1 : 0);
  const bool possibly_delivered = open->possibly_delivered || settlement_.possibly_delivered;
  if (settlement_.kind == Settlement::Kind::try_again) {
    transaction.statements.put_off_delivery.run(delivery.destination, open->due, delivery.seq, due_of(settlement_),
                                                attempts, open->tries + (settlement_.recorded ? 1 : 0), recorded,
                                                possibly_delivered);
    transaction.may_have_work.push_back(delivery.destination);
    return;
  }
  const DeliveryState state = end_state(settlement_.kind);
  OrderColumns order = open->order;
  // What is damaged will never be anything but a dead letter: it blocks nothing.
  const bool corrupt = attempt.error && attempt.error->kind == ErrorKind::corrupt;
  if (corrupt && order.stops == StopsOthers::yes) order.stops = StopsOthers::not_any_more;
  transaction.statements.erase_delivery.run(delivery.destination, open->due, delivery.seq);
  transaction.statements.insert_record.run(delivery.seq, delivery.destination, open->position, state, attempt.ended_at,
                                           attempts, recorded, possibly_delivered, open->resends, order.key_column(),
                                           order.stops);
  transaction.statements.turns.let_next_come(transaction, delivery.destination, order);
  if (settlement_.follow_up_at && state == DeliveryState::delivered) {
    transaction.statements.begin_follow_up.run(delivery.seq, delivery.destination, *settlement_.follow_up_at);
  }
  --totals.queued;
  if (state == DeliveryState::delivered) {
    totals.count_delivered(attempt.ended_at, open->resends > 0);
  } else {
    ++totals.of_state(state);
  }
  transaction.ended.push_back(delivery.id);
}

std::optional<SettleCommand::OpenRow> SettleCommand::open_row(WriteTransaction& transaction) {
  std::int64_t due = delivery_->due;
  for (const bool moved : {false, true}) {
    if (moved) {
      // Its time was brought nearer while it was claimed (a clock that was set back).
      const auto now_due = current_due(transaction, *delivery_);
      if (!now_due) return std::nullopt;
      due = *now_due;
    }
    Rows rows = transaction.statements.delivery_at.rows(delivery_->destination, due, delivery_->seq);
    if (rows.next()) {
      return OpenRow{
          due,          rows.integer(0),     rows.small_count(1),           rows.small_count(2), rows.small_count(3),
          rows.flag(4), rows.small_count(5), read_order_columns(rows, 6, 7)};
    }
  }
  return std::nullopt;
}

unsigned SettleCommand::record_attempt(WriteTransaction& transaction, const OpenRow& open) {
  const ClaimedDelivery& delivery = *delivery_;
  const AttemptRecord& attempt = settlement_.attempt;
  WriterStatements& statements = transaction.statements;
  if (attempt.outcome == Outcome::broken && attempt.error && open.recorded > 0) {
    bool repeats_the_last = false;
    {
      Rows last = statements.last_attempt.rows(delivery.seq, delivery.destination, open.recorded);
      repeats_the_last = last.next() && is_broken_with(last, *attempt.error);
    }
    if (repeats_the_last) {
      statements.repeat_attempt.run(delivery.seq, delivery.destination, open.recorded, attempt.started_at,
                                    attempt.ended_at, remote_text_);
      return open.recorded;
    }
  }
  const unsigned number = open.recorded + 1;
  const auto receipt = receipt_text(attempt.receipt);
  if (attempt.error) {
    statements.insert_attempt.run(delivery.seq, delivery.destination, number, attempt.started_at, attempt.ended_at,
                                  attempt.outcome, attempt.counted, attempt.error->kind, attempt.error->status,
                                  attempt.error->message, remote_text_, receipt);
  } else {
    statements.insert_attempt.run(delivery.seq, delivery.destination, number, attempt.started_at, attempt.ended_at,
                                  attempt.outcome, attempt.counted, std::nullopt, std::nullopt, std::nullopt,
                                  std::nullopt, receipt);
  }
  return number;
}

void SettleCommand::committed() {
  if (delivery_) {
    claims_.end(token_);
    if (settlement_.kind == Settlement::Kind::try_again) claims_.queue_changed();
  }
  if (!callback_) return;
  if (!delivery_ || gone_) {
    callback_(Failure{SettleRefusal::stale_token});
  } else {
    callback_(Result<void, SettleRefusal>());
  }
}

Command::Fate SettleCommand::not_saved(AppendRefusal) {
  // Kept: the delivery stays claimed, so that it isn't sent a second time, and is saved as soon as that works.
  if (callback_) std::exchange(callback_, nullptr)(Failure{SettleRefusal::journal_failing});
  return Fate::keep;
}

}  // namespace relay
