#include "journal/totals.hpp"

#include <algorithm>
#include <stdexcept>

namespace relay {

namespace {

// Of the columns `accepted_…` of the journal's own row, in their order.
constexpr std::array doors = {Intake::http,  Intake::submit, Intake::mllp, Intake::folder, Intake::azure_storage_queue,
                              Intake::import};

}  // namespace

std::uint64_t& TotalsRow::of_state(DeliveryState state) {
  switch (state) {
    case DeliveryState::queued:
      return queued;
    case DeliveryState::delivered:
      return delivered;
    case DeliveryState::dead_letter:
      return dead_letter;
    case DeliveryState::discarded:
      return discarded;
  }
  throw std::logic_error("a delivery state that doesn't exist");
}

void TotalsRow::count_delivered(WallTime at, bool sent_again) {
  ++delivered;
  last_delivered_at = at;
  if (sent_again && delivered_before > 0) --delivered_before;
}

DestinationTotals public_totals(const TotalsRow& row) {
  DestinationTotals totals;
  totals.accepted = row.accepted;
  totals.delivered = row.delivered;
  totals.ever_delivered = row.delivered + row.delivered_before;
  totals.queued = row.queued;
  totals.dead_letter = row.dead_letter;
  totals.discarded = row.discarded;
  totals.moved_in = row.moved_in;
  totals.moved_out = row.moved_out;
  for (const Outcome outcome :
       {Outcome::accepted, Outcome::refused, Outcome::try_later, Outcome::broken, Outcome::unknown}) {
    totals.attempts[outcome] = row.attempts.at(static_cast<std::size_t>(outcome));
  }
  totals.possible_repeats = row.possible_repeats;
  totals.last_delivered_at = row.last_delivered_at;
  totals.paused = row.paused;
  return totals;
}

TotalsRow& Totals::of(const std::string& name) {
  const auto found = std::find_if(rows_.begin(), rows_.end(), [&](const TotalsRow& row) { return row.name == name; });
  if (found != rows_.end()) return changed(*found);
  DestinationNumber highest = 0;
  for (const TotalsRow& row : rows_) highest = std::max(highest, row.destination);
  TotalsRow row;
  row.destination = highest + 1;
  row.name = name;
  rows_.push_back(std::move(row));
  return changed(rows_.back());
}

std::size_t Totals::index_of(DestinationNumber destination) const {
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (rows_[i].destination == destination) return i;
  }
  throw DatabaseError(SQLITE_CORRUPT, "a delivery is for a destination that the totals don't know");
}

void Totals::count_intake(Intake intake) {
  ++by_intake_[intake];
  intake_changed = true;
}

TotalsReader::TotalsReader(Connection& connection)
    : rows_(connection,
            "SELECT destination, name, accepted, delivered, queued, dead_letter, discarded, moved_in, moved_out,"
            " attempts_accepted, attempts_refused, attempts_try_later, attempts_broken, attempts_unknown,"
            " possible_repeats, erased_delivered, erased_discarded FROM totals ORDER BY destination"),
      beside_(connection,
              "SELECT labels, value, name = 'last_delivered_at' FROM counter"
              " WHERE name IN ('last_delivered_at', 'delivered_before')"),
      intakes_(connection,
               "SELECT accepted_http, accepted_submit, accepted_mllp, accepted_folder, accepted_azure_storage_queue,"
               " accepted_import FROM journal WHERE only = 1"),
      paused_(connection, "SELECT destination FROM paused") {}

Totals TotalsReader::read() {
  Totals totals;
  for (Rows found = rows_.rows(); found.next();) {
    TotalsRow row;
    row.destination = found.integer(0);
    row.name = found.string(1);
    row.accepted = found.count(2);
    row.delivered = found.count(3);
    row.queued = found.count(4);
    row.dead_letter = found.count(5);
    row.discarded = found.count(6);
    row.moved_in = found.count(7);
    row.moved_out = found.count(8);
    for (int outcome = 1; outcome <= 5; ++outcome) {
      row.attempts.at(static_cast<std::size_t>(outcome)) = found.count(8 + outcome);
    }
    row.possible_repeats = found.count(14);
    row.erased_delivered = found.count(15);
    row.erased_discarded = found.count(16);
    totals.rows().push_back(std::move(row));
  }
  for (Rows found = paused_.rows(); found.next();) {
    for (TotalsRow& row : totals.rows()) row.paused = row.paused || row.destination == found.integer(0);
  }
  for (Rows found = beside_.rows(); found.next();) {
    const auto row = std::ranges::find(totals.rows(), found.string(0), &TotalsRow::name);
    if (row == totals.rows().end()) continue;
    if (found.flag(2)) {
      row->last_delivered_at = found.time(1);
    } else {
      row->delivered_before = row->saved_delivered_before = found.count(1);
    }
  }
  for (Rows found = intakes_.rows(); found.next();) {
    for (int column = 0; column < static_cast<int>(doors.size()); ++column) {
      if (found.count(column) > 0) totals.by_intake()[doors.at(static_cast<std::size_t>(column))] = found.count(column);
    }
  }
  return totals;
}

TotalsWriter::TotalsWriter(Connection& connection)
    // Not INSERT OR REPLACE, which would write the page of the names' index with every commit.
    : save_row_(connection,
                "INSERT INTO totals VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)"
                " ON CONFLICT (destination) DO UPDATE SET accepted = ?3, delivered = ?4, queued = ?5, dead_letter = ?6,"
                " discarded = ?7, moved_in = ?8, moved_out = ?9, attempts_accepted = ?10, attempts_refused = ?11,"
                " attempts_try_later = ?12, attempts_broken = ?13, attempts_unknown = ?14, possible_repeats = ?15,"
                " erased_delivered = ?16, erased_discarded = ?17"),
      save_last_delivered_(connection, "INSERT OR REPLACE INTO counter VALUES ('last_delivered_at', ?1, ?2)"),
      save_delivered_before_(connection, "INSERT OR REPLACE INTO counter VALUES ('delivered_before', ?1, ?2)"),
      save_intakes_(connection,
                    "UPDATE journal SET accepted_http = ?1, accepted_submit = ?2, accepted_mllp = ?3,"
                    " accepted_folder = ?4, accepted_azure_storage_queue = ?5, accepted_import = ?6 WHERE only = 1") {}

void TotalsWriter::save(Totals& totals) {
  for (TotalsRow& row : totals.rows()) {
    if (!row.changed) continue;
    save_row_.run(row.destination, row.name, row.accepted, row.delivered, row.queued, row.dead_letter, row.discarded,
                  row.moved_in, row.moved_out, row.attempts[1], row.attempts[2], row.attempts[3], row.attempts[4],
                  row.attempts[5], row.possible_repeats, row.erased_delivered, row.erased_discarded);
    if (row.last_delivered_at) save_last_delivered_.run(row.name, *row.last_delivered_at);
    if (row.delivered_before != row.saved_delivered_before) {
      save_delivered_before_.run(row.name, row.delivered_before);
      row.saved_delivered_before = row.delivered_before;
    }
    row.changed = false;
  }
  if (!totals.intake_changed) return;
  const auto by = [&totals](Intake door) {
    const auto found = totals.by_intake().find(door);
    return found == totals.by_intake().end() ? 0 : found->second;
  };
  save_intakes_.run(by(Intake::http), by(Intake::submit), by(Intake::mllp), by(Intake::folder),
                    by(Intake::azure_storage_queue), by(Intake::import));
  totals.intake_changed = false;
}

}  // namespace relay
