#include "journal/attempt_start.hpp"

#include "journal/writer_statements.hpp"

namespace relay {

std::optional<std::int64_t> current_due(WriteTransaction& transaction, const ClaimedDelivery& delivery) {
  Rows rows = transaction.statements.delivery_place.rows(delivery.destination, delivery.client, delivery.seq);
  if (!rows.next()) return std::nullopt;
  return rows.integer(0);
}

void AttemptStartCommand::apply(WriteTransaction& transaction) {
  gone_ = false;
  if (!delivery_) return;
  const auto due = current_due(transaction, *delivery_);
  if (!due) {
    gone_ = true;
    return;
  }
  transaction.statements.start_attempt.run(delivery_->destination, *due, delivery_->seq, start_.started_at,
                                           start_.earlier_ones_are_absent);
}

void AttemptStartCommand::committed() {
  if (!delivery_ || gone_) {
    callback_(Failure{SettleRefusal::stale_token});
  } else {
    callback_(Result<void, SettleRefusal>());
  }
}

Command::Fate AttemptStartCommand::not_saved(AppendRefusal) {
  callback_(Failure{SettleRefusal::journal_failing});
  return Fate::done;
}

}  // namespace relay
