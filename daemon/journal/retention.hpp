// Retention: erases what has been kept long enough, a slice a commit, so that it stands in nobody's way.
//
// Table `erasure` is the list of what will be due: one entry a submission, in the order in which their last delivery
// ended, written by the database itself (a trigger) whenever a delivery ends as delivered or discarded. An entry is a
// reminder, not a verdict: when its time comes the submission is looked at again, and only one whose deliveries have
// all ended that way, the last of them long enough ago, is touched. So a dead letter's payload is never erased.
//
// A payload that was erased stays as an empty blob in its row (every kept payload has a header of at least a byte).
// Its chunks are handed to the sweeper by way of table `upload`, so that a crash in between loses none of them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "journal/clock_guard.hpp"
#include "journal/command.hpp"
#include "journal/journal.hpp"
#include "journal/submission_rows.hpp"

namespace relay {

class Retention {
 public:
  // `clock` outlives it.
  Retention(Connection& connection, const JournalOptions& options, const ClockGuard& clock);

  // Whether there is something to do. Reads at most once a second while there is nothing; throws DatabaseError.
  bool due(WallTime now, MonotonicTime monotonic_now);
  // One slice, within the transaction. Throws DatabaseError.
  void run(WriteTransaction& transaction);
  // The transaction is durable, or was rolled back. Returns the uploads whose chunks are to be swept now.
  std::vector<std::int64_t> settled(bool committed);
  // Chunks were swept: there may be space to give back.
  void space_came_free() { erased_anything_ = true; }

 private:
  enum class Stage : int { payload = 1, record = 2 };
  struct Entry {
    Stage stage = Stage::payload;
    WallTime ended_at{};
    std::int64_t seq = 0;
  };
  // What the journal says of a submission now.
  struct Ending {
    bool over = false;    // every delivery is delivered or discarded
    WallTime last_end{};  // the latest of them, told by today's clock
  };

  std::vector<Entry> entries(Stage stage, WallTime latest, std::size_t limit);
  Ending ending_of(SubmissionReader& submissions, const SubmissionRow& row);
  void bring_back_far_entries(WallTime now);
  void meet(WriteTransaction& transaction, const Entry& entry);
  void erase_payload(const SubmissionRow& row);
  void hand_chunks_over(const SubmissionRow& row);
  void erase_record(WriteTransaction& transaction, const SubmissionRow& row);
  std::chrono::milliseconds keep(Stage stage) const;
  bool any_entry(Stage stage, WallTime latest);
  bool space_to_give_back();

  const ClockGuard& clock_;
  const std::chrono::milliseconds keep_payload_;
  const std::chrono::milliseconds keep_record_;
  const std::chrono::milliseconds keep_audit_;
  std::optional<MonotonicTime> looked_at_;
  bool erased_anything_ = false;  // since space was last given back
  std::vector<std::int64_t> to_sweep_;

  Statement due_entries_;
  Statement far_entries_;
  Statement insert_entry_;
  Statement erase_entry_;
  Statement ends_;
  Statement empty_payload_;
  Statement put_back_;
  Statement hand_over_chunks_;
  Statement record_states_;
  Statement erase_attempts_;
  Statement erase_records_;
  Statement erase_query_;
  Statement erase_submission_;
  Statement erase_discard_reasons_;
  Statement erase_redirections_;
  Statement audit_due_;
  Statement erase_audit_;
  Statement page_count_;
  Statement free_pages_;
  Statement give_back_;
};

}  // namespace relay
