// Command: one change to the journal, on its way through the writer. The writer knows nothing of what a command does; a
// command knows nothing of batches, commits and failing disks.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/byte_count.hpp"
#include "base/clock.hpp"
#include "journal/database.hpp"
#include "journal/journal.hpp"
#include "journal/totals.hpp"

namespace relay {

class KeyMemory;
struct WriterStatements;

// What the writer keeps in memory of the one row of table `journal`, and the totals. A transaction works on a copy that
// replaces the original after the commit.
struct WriterState {
  Uuid journal_id;
  std::int64_t openings = 0;
  CommitNumber commit_number = 0;
  std::int64_t next_seq = 1;     // never given twice, whatever is deleted
  std::int64_t next_upload = 1;  // likewise
  int idempotency_current = 0;   // which of the two tables takes new keys
  WallTime idempotency_rotated_at{};
  Totals totals;
};

// One transaction while it is open.
struct WriteTransaction {
  Connection& connection;
  WriterStatements& statements;
  WriterState& state;
  WallTime now;
  const KeyMemory& key_memory;
  // What to do once it is durable.
  std::vector<DestinationNumber> new_work{};       // destinations to wake: submissions came in, last of all
  std::vector<DestinationNumber> may_have_work{};  // destinations to wake: what is queued there has changed
  std::vector<SubmissionId> ended{};               // a delivery of these isn't queued any more
};

// Everything but the constructor runs on the writer's thread.
class Command {
 public:
  enum class Urgency {
    first,    // settlements and operator commands: they free what is in flight
    arrival,  // appends: within a byte bound a commit, refused where there is no room
  };

  virtual ~Command() = default;
  virtual Urgency urgency() const = 0;
  // False: it only wants to be answered, without a commit.
  virtual bool changes_anything() const { return true; }
  // Nobody waits for it but the count of what is under way: it may be committed a few milliseconds later, with others.
  virtual bool may_wait() const { return false; }
  // Payload bytes that it brings.
  virtual ByteCount weight() const { return {0}; }
  // Of a large payload: a small one is within its row.
  bool brings_chunk() const { return weight() > inline_payload_limit; }

  // Set before it is posted: it came after stop_appends(). It goes through the inbox all the same, so that it is
  // answered on the writer's thread like every other.
  void refuse_because_stopping() { stopping_ = true; }
  bool refused_because_stopping() const { return stopping_; }

  // Makes the change. May run again from the start after a rollback. Throws DatabaseError.
  virtual void apply(WriteTransaction& transaction) = 0;
  // The change is durable.
  virtual void committed() = 0;
  // It couldn't be saved. Arrivals end here; what comes first may ask to be kept and applied again later.
  enum class Fate { done, keep };
  virtual Fate not_saved(AppendRefusal why) = 0;

 private:
  bool stopping_ = false;
};

}  // namespace relay
