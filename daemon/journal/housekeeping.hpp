// What the writer does beside its commands, a bounded slice a commit: sweeps chunks that nobody will ask for, rotates
// the idempotency tables, brings back retries that a clock change put too far away. Erasure (retention) belongs here.
#pragma once

#include <optional>
#include <vector>

#include "journal/command.hpp"
#include "journal/uploads.hpp"

namespace relay {

class Housekeeping {
 public:
  Housekeeping(Connection& connection, WriterStatements& statements, const JournalOptions& options);

  // At start.
  void load() { sweeper_.load(); }
  void give_up(std::int64_t upload) { sweeper_.add(upload); }

  // Whether a slice is due. Reads, at most once a minute; throws DatabaseError.
  bool due(const WriterState& state, WallTime now, MonotonicTime monotonic_now);
  // One slice of everything that is due, within the transaction.
  void run(WriteTransaction& transaction);
  // The transaction is durable, or was rolled back.
  void settled(bool committed);

 private:
  struct FarRetry {
    DestinationNumber destination = 0;
    std::int64_t due = 0;
    std::int64_t seq = 0;
  };
  void look_for_far_retries(const WriterState& state, WallTime now);

  WriterStatements& statements_;
  UploadSweeper sweeper_;
  const std::chrono::milliseconds keep_idempotency_;
  const std::chrono::milliseconds max_backoff_;
  bool swept_one_ = false;
  std::optional<MonotonicTime> looked_for_far_retries_;
  std::vector<FarRetry> far_retries_;  // the next slice
};

}  // namespace relay
