// What SqliteJournal answers about what it holds; on any thread, each answer from one commit.
#include "journal/listing.hpp"
#include "journal/sqlite_journal.hpp"

namespace relay {

Result<std::optional<FoundSubmission>> SqliteJournal::find(const SubmissionId& id, bool with_history) {
  try {
    std::optional<FoundSubmission> found;
    {
      auto reader = pool_->lease();
      const ReadTransaction transaction(reader->connection);
      const auto row = reader->submissions.by_id(id);
      if (!row) return found;
      found = FoundSubmission{reader->as_of(), reader->submissions.view(*row, with_history)};
    }
    conditions_.merge_into(found->view);
    return found;
  } catch (const DatabaseError& error) {
    return Failure{read_failure(error)};
  }
}

Result<SubmissionPage> SqliteJournal::list(const SubmissionQuery& query) {
  try {
    auto page = [&] {
      auto reader = pool_->lease();
      const ReadTransaction transaction(reader->connection);
      return list_submissions(*reader, query);
    }();
    if (!page) return page;
    for (SubmissionView& view : page->submissions) conditions_.merge_into(view);
    return page;
  } catch (const DatabaseError& error) {
    return Failure{read_failure(error)};
  }
}

Result<std::shared_ptr<PayloadSource>> SqliteJournal::payload_of(const SubmissionId& id) {
  try {
    auto reader = pool_->lease();
    const auto row = reader->submissions.by_id(id);
    if (!row) return fail("the journal has no submission with this id");
    return make_payload_source(pool_, payload_place(row->seq, row->upload, row->submission, row->sound));
  } catch (const DatabaseError& error) {
    return Failure{read_failure(error)};
  }
}

Result<JournalSnapshot> SqliteJournal::snapshot() {
  try {
    JournalSnapshot snapshot;
    for (const std::string& name : options_.destinations) {
      for (const Outcome outcome :
           {Outcome::accepted, Outcome::refused, Outcome::try_later, Outcome::broken, Outcome::unknown}) {
        snapshot.destinations[name].attempts[outcome] = 0;
      }
    }
    auto reader = pool_->lease();
    const ReadTransaction transaction(reader->connection);
    snapshot.as_of = reader->as_of();
    const WallTime now = clock_.wall_now();
    Totals totals = reader->totals.read();
    for (const TotalsRow& row : totals.rows()) {
      DestinationTotals& shown = snapshot.destinations[row.name] = public_totals(row);
      if (const auto counts = reader->follow_ups.counts(row.destination, now); counts.late + counts.failed > 0) {
        snapshot.confirmations[row.name] = counts;
      }
      if (row.queued == 0) continue;
      if (const auto seq = reader->claims.oldest(row.destination)) {
        Rows rows = reader->accepted_at.rows(*seq);
        if (rows.next()) shown.oldest_queued_at = rows.time(0);
      }
    }
    snapshot.accepted_by_intake = totals.by_intake();
    // Where nothing can be saved they are shown as they stand in memory: what is refused then is what people look for.
    const bool saves = health_.state() == WriterHealth::State::working;
    snapshot.counters = saves ? CounterTable::saved(reader->counters.rows()) : counters_.values();
    return snapshot;
  } catch (const DatabaseError& error) {
    return Failure{read_failure(error)};
  }
}

JournalCondition SqliteJournal::condition() const {
  JournalCondition condition;
  // Full means that an ordinary submission doesn't fit, not that no byte does: health and the door say the same.
  condition.refusing = admission(inline_payload_limit);
  if (condition.refusing == AppendRefusal::stopping) {
    condition.reason = "the relay is stopping";
  } else if (health_.state() != WriterHealth::State::working) {
    condition.reason = health_.reason();
  } else if (condition.refusing) {
    condition.reason = disk_.explain(*condition.refusing);
  }
  health_.fill(condition, clock_.monotonic_now());
  condition.journal_bytes = disk_.used();
  condition.wal_bytes = disk_.wal_size();
  condition.disk_free = disk_.free_disk();
  return condition;
}

}  // namespace relay
