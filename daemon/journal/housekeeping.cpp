#include "journal/housekeeping.hpp"

#include <algorithm>
#include <utility>

#include "journal/writer_statements.hpp"

namespace relay {

namespace {
constexpr std::chrono::seconds look_for_far_retries_every{60};
constexpr std::size_t far_retries_a_slice = 200;
// A lane's own waits reach this far (Retry-After, a client's backlog that fails alone): while the relay runs, only a
// clock that was set back puts one beyond.
constexpr std::chrono::milliseconds longest_wait_of_a_lane{std::chrono::hours(1)};
// Well within the 15 minutes that are promised, also where readers are in the way for a while.
constexpr std::chrono::seconds empty_wal_after{30};
constexpr std::chrono::seconds empty_wal_again_after{10};
}  // namespace

Housekeeping::Housekeeping(Connection& connection, WriterStatements& statements, const JournalOptions& options,
                           ClockGuard& clock)
    : statements_(statements),
      sweeper_(connection),
      keep_keys_(std::max(options.keep_idempotency, options.keep_message_names)),
      max_backoff_(options.max_backoff),
      clock_(clock),
      retention_(connection, options, clock),
      longest_kept_(std::max(options.keep_delivered_payload, options.keep_record)),
      save_clock_(connection, "INSERT OR REPLACE INTO clock VALUES (1, ?1, ?2, ?3)"),
      saved_clock_(connection, "SELECT last_seen, doubted, calm FROM clock WHERE only = 1"),
      erase_jumps_(connection, "DELETE FROM clock_jump"),
      save_jump_(connection, "INSERT INTO clock_jump VALUES (?1, ?2, ?3)"),
      saved_jumps_(connection, "SELECT up_to, ahead_by FROM clock_jump ORDER BY number") {}

void Housekeeping::load() {
  sweeper_.load();
  std::optional<ClockGuard::Note> note;
  if (Rows rows = saved_clock_.rows(); rows.next()) {
    note = ClockGuard::Note{rows.time(0), rows.flag(1), std::chrono::milliseconds(rows.integer(2)), {}};
  }
  for (Rows rows = saved_jumps_.rows(); note && rows.next();) {
    const ClockGuard::JumpAhead jump{rows.time(0), std::chrono::milliseconds(rows.integer(1))};
    // Whatever it concerns has been erased since.
    if (jump.up_to + jump.by + longest_kept_ < note->last_seen) continue;
    note->jumps.push_back(jump);
  }
  clock_.load(note);
}

bool Housekeeping::due(const WriterState& state, WallTime now, MonotonicTime monotonic_now) {
  const bool look_again =
      !looked_for_far_retries_ || monotonic_now - *looked_for_far_retries_ >= look_for_far_retries_every;
  if (far_retries_.empty() && look_again) {
    look_for_far_retries(state, now);
    if (far_retries_.empty()) looked_for_far_retries_ = monotonic_now;
  }
  now_ = monotonic_now;
  wall_ = now;
  clock_.look();
  clock_note_ = clock_.unsaved();
  rotates_ =
      clock_.trusted() && (state.idempotency_rotated_at > now || now - state.idempotency_rotated_at >= keep_keys_);
  erases_ = clock_.trusted() && retention_.due(now, monotonic_now);
  return !far_retries_.empty() || !sweeper_.idle() || rotates_ || erases_ || clock_note_;
}

bool Housekeeping::run(WriteTransaction& transaction) {
  // The clock was set ahead since it was looked at: it is doubted at the next look.
  if (transaction.now - wall_ > std::chrono::minutes(1)) erases_ = rotates_ = false;
  erased_ = erases_ || !sweeper_.idle();
  if (!sweeper_.idle()) {
    swept_one_ = sweeper_.sweep();
    retention_.space_came_free();
  }
  if (rotates_) statements_.idempotency.rotate(transaction, keep_keys_);
  if (erases_) retention_.run(transaction);
  clock_noted_ = clock_note_.has_value();
  if (clock_note_) save_clock(transaction);
  const WallTime latest = transaction.now + max_backoff_;
  for (const FarRetry& retry : far_retries_) {
    statements_.bring_back_delivery.run(retry.destination, retry.due, retry.seq, latest);
    if (transaction.may_have_work.empty() || transaction.may_have_work.back() != retry.destination) {
      transaction.may_have_work.push_back(retry.destination);
    }
  }
  return erased_;
}

void Housekeeping::save_clock(WriteTransaction& transaction) {
  const auto& jumps = clock_note_->jumps;
  save_clock_.run(clock_note_->last_seen, clock_note_->doubted, clock_note_->calm.count());
  if (jumps == clock_.saved_jumps()) return;
  erase_jumps_.run();
  std::int64_t number = 0;
  for (const ClockGuard::JumpAhead& jump : jumps) save_jump_.run(++number, jump.up_to, jump.by.count());
  // Keys, too, are kept for as long as they were meant to be.
  for (std::size_t fresh = clock_.saved_jumps().size(); fresh < jumps.size(); ++fresh) {
    WallTime& rotated_at = transaction.state.idempotency_rotated_at;
    if (rotated_at <= jumps[fresh].up_to) rotated_at += jumps[fresh].by;
  }
}

void Housekeeping::settled(bool committed) {
  if (committed && swept_one_) sweeper_.finished();
  swept_one_ = false;
  far_retries_.clear();
  for (const std::int64_t upload : retention_.settled(committed)) sweeper_.add(upload);
  if (committed && erased_ && !wal_holds_erased_since_) wal_holds_erased_since_ = now_;
  if (committed && clock_noted_) clock_.saved(*clock_note_);
  clock_note_.reset();
  clock_noted_ = false;
  erases_ = erased_ = rotates_ = false;
}

bool Housekeeping::wal_should_be_emptied(MonotonicTime monotonic_now) {
  if (!wal_holds_erased_since_ || monotonic_now - *wal_holds_erased_since_ < empty_wal_after) return false;
  if (next_emptying_ && monotonic_now < *next_emptying_) return false;
  next_emptying_ = monotonic_now + empty_wal_again_after;
  return true;
}

void Housekeeping::look_for_far_retries(const WriterState& state, WallTime now) {
  for (const TotalsRow& totals : state.totals.rows()) {
    const WallTime latest =
        now + (brought_back_at_load_ ? std::max(max_backoff_, longest_wait_of_a_lane) : max_backoff_);
    Rows rows = statements_.far_deliveries.rows(totals.destination, latest, far_retries_a_slice);
    while (far_retries_.size() < far_retries_a_slice && rows.next()) {
      far_retries_.push_back({totals.destination, rows.integer(0), rows.integer(1)});
    }
  }
  if (far_retries_.empty()) brought_back_at_load_ = true;
}

}  // namespace relay
