#include "journal/housekeeping.hpp"

#include <utility>

#include "journal/writer_statements.hpp"

namespace relay {

namespace {
constexpr std::chrono::seconds look_for_far_retries_every{60};
constexpr std::size_t far_retries_a_slice = 200;
}  // namespace

Housekeeping::Housekeeping(Connection& connection, WriterStatements& statements, const JournalOptions& options)
    : statements_(statements),
      sweeper_(connection),
      keep_idempotency_(options.keep_idempotency),
      max_backoff_(options.max_backoff) {}

bool Housekeeping::due(const WriterState& state, WallTime now, MonotonicTime monotonic_now) {
  const bool look_again =
      !looked_for_far_retries_ || monotonic_now - *looked_for_far_retries_ >= look_for_far_retries_every;
  if (far_retries_.empty() && look_again) {
    look_for_far_retries(state, now);
    if (far_retries_.empty()) looked_for_far_retries_ = monotonic_now;
  }
  return !far_retries_.empty() || !sweeper_.idle() || state.idempotency_rotated_at > now ||
         now - state.idempotency_rotated_at >= keep_idempotency_;
}

void Housekeeping::run(WriteTransaction& transaction) {
  if (!sweeper_.idle()) swept_one_ = sweeper_.sweep();
  statements_.idempotency.rotate(transaction, keep_idempotency_);
  const WallTime latest = transaction.now + max_backoff_;
  for (const FarRetry& retry : far_retries_) {
    statements_.bring_back_delivery.run(retry.destination, retry.due, retry.seq, latest);
    if (transaction.may_have_work.empty() || transaction.may_have_work.back() != retry.destination) {
      transaction.may_have_work.push_back(retry.destination);
    }
  }
}

void Housekeeping::settled(bool committed) {
  if (committed && swept_one_) sweeper_.finished();
  swept_one_ = false;
  far_retries_.clear();
}

void Housekeeping::look_for_far_retries(const WriterState& state, WallTime now) {
  for (const TotalsRow& totals : state.totals.rows()) {
    Rows rows = statements_.far_deliveries.rows(totals.destination, now + max_backoff_, far_retries_a_slice);
    while (far_retries_.size() < far_retries_a_slice && rows.next()) {
      far_retries_.push_back({totals.destination, rows.integer(0), rows.integer(1)});
    }
  }
}

}  // namespace relay
