// Totals: what promise 7 is read from. The writer holds them in memory, changes them as it applies commands, and saves
// those that changed in the same transaction, so a snapshot of any commit has numbers and rows that agree.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "journal/database.hpp"
#include "journal/journal.hpp"

namespace relay {

using DestinationNumber = std::int64_t;

struct TotalsRow {
  DestinationNumber destination = 0;
  std::string name;
  std::uint64_t accepted = 0;
  std::uint64_t delivered = 0;
  std::uint64_t queued = 0;
  std::uint64_t dead_letter = 0;
  std::uint64_t discarded = 0;
  std::uint64_t moved_in = 0;
  std::uint64_t moved_out = 0;
  std::array<std::uint64_t, 6> attempts{};  // by Outcome
  std::uint64_t possible_repeats = 0;
  std::uint64_t erased_delivered = 0;  // of `delivered`, records that retention has erased
  std::uint64_t erased_discarded = 0;
  // Kept beside the counters:
  std::optional<WallTime> last_delivered_at{};
  std::uint64_t delivered_before = 0;        // taken over once and not `delivered` now: an operator had them sent again
  std::uint64_t saved_delivered_before = 0;  // as the row has it
  bool paused = false;                       // kept in a table of its own
  bool changed = false;

  void count_attempt(Outcome outcome) { ++attempts.at(static_cast<std::size_t>(outcome)); }
  std::uint64_t& of_state(DeliveryState state);
  // One that was sent again is still the one delivery that it was. An import may bring some that nothing is known of
  // here, so there may be none to take back.
  void count_delivered(WallTime at, bool sent_again);
};

DestinationTotals public_totals(const TotalsRow& row);

// One working copy a transaction, so that a rollback is to forget it.
class Totals {
 public:
  TotalsRow& of(DestinationNumber destination) { return changed(rows_[index_of(destination)]); }
  // Makes it where that name is new.
  TotalsRow& of(const std::string& name);
  const std::vector<TotalsRow>& rows() const { return rows_; }
  std::vector<TotalsRow>& rows() { return rows_; }

  void count_intake(Intake intake);
  std::map<Intake, std::uint64_t>& by_intake() { return by_intake_; }
  bool intake_changed = false;

 private:
  static TotalsRow& changed(TotalsRow& row) {
    row.changed = true;
    return row;
  }
  std::size_t index_of(DestinationNumber destination) const;

  std::vector<TotalsRow> rows_;
  std::map<Intake, std::uint64_t> by_intake_;
};

// Reading side, for the writer's start, snapshots and verify.
class TotalsReader {
 public:
  explicit TotalsReader(Connection& connection);
  Totals read();

 private:
  Statement rows_;
  Statement beside_;
  Statement intakes_;
  Statement paused_;
};

class TotalsWriter {
 public:
  explicit TotalsWriter(Connection& connection);
  // Saves what changed and marks it unchanged.
  void save(Totals& totals);

 private:
  Statement save_row_;
  Statement save_last_delivered_;
  Statement save_delivered_before_;
  Statement save_intakes_;
};

}  // namespace relay
