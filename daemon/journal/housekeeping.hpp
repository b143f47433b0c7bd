// What the writer does beside its commands, a bounded slice a commit: sweeps chunks that nobody will ask for, rotates
// the idempotency tables, brings back retries that a clock change put too far away, erases what was kept long enough.
// While the clock is doubted nothing is erased, keys included.
#pragma once

#include <optional>
#include <vector>

#include "journal/clock_guard.hpp"
#include "journal/command.hpp"
#include "journal/retention.hpp"
#include "journal/uploads.hpp"

namespace relay {

class Housekeeping {
 public:
  // `clock` outlives it.
  Housekeeping(Connection& connection, WriterStatements& statements, const JournalOptions& options, ClockGuard& clock);

  // At start.
  void load();
  void give_up(std::int64_t upload) { sweeper_.add(upload); }

  // Whether a slice is due. Reads, at most once a minute; throws DatabaseError.
  bool due(const WriterState& state, WallTime now, MonotonicTime monotonic_now);
  // One slice of everything that is due, within the transaction. Whether something was erased, which changes many
  // pages.
  bool run(WriteTransaction& transaction);
  // The transaction is durable, or was rolled back.
  void settled(bool committed);

  // The WAL still holds what was erased, long enough for one emptying to do for many slices.
  bool wal_should_be_emptied(MonotonicTime monotonic_now);
  void wal_was_emptied() { wal_holds_erased_since_.reset(); }

 private:
  struct FarRetry {
    DestinationNumber destination = 0;
    std::int64_t due = 0;
    std::int64_t seq = 0;
  };
  void look_for_far_retries(const WriterState& state, WallTime now);
  void save_clock(WriteTransaction& transaction);

  WriterStatements& statements_;
  UploadSweeper sweeper_;
  const std::chrono::milliseconds keep_keys_;  // and message names
  const std::chrono::milliseconds max_backoff_;
  bool swept_one_ = false;
  bool rotates_ = false;
  std::optional<MonotonicTime> looked_for_far_retries_;
  std::vector<FarRetry> far_retries_;  // the next slice
  bool brought_back_at_load_ = false;  // what was further away than backoff.max at the start has been brought back
  ClockGuard& clock_;
  Retention retention_;
  const std::chrono::milliseconds longest_kept_;
  Statement save_clock_;
  Statement saved_clock_;
  Statement erase_jumps_;
  Statement save_jump_;
  Statement saved_jumps_;
  std::optional<ClockGuard::Note> clock_note_;  // the next to save
  bool erases_ = false;                         // the next slice does
  bool erased_ = false;                         // the slice under way has
  bool clock_noted_ = false;                    // likewise
  WallTime wall_{};                             // when it was found due
  MonotonicTime now_{};
  std::optional<MonotonicTime> wal_holds_erased_since_;
  std::optional<MonotonicTime> next_emptying_;
};

}  // namespace relay
