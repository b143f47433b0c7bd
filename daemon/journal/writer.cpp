#include "journal/writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/hand_over.hpp"
#include "base/log.hpp"
#include "base/thread_name.hpp"
#include "base/thread_progress.hpp"
#include "journal/schema.hpp"

namespace relay {

namespace {

constexpr ByteCount nothing_free = mebibytes(1);
constexpr std::chrono::milliseconds idle_patience{1000};
constexpr std::chrono::seconds recover_every{1};
constexpr std::chrono::seconds counters_wait_at_most{4};

}  // namespace

Writer::Writer(Connection connection, const PayloadCipher& cipher, WriterState state, const JournalOptions& options,
               const Clock& clock, std::shared_ptr<Inbox> inbox, DiskGuard& disk, CounterTable& counters,
               WriterHealth& health, ClockGuard& clock_guard)
    : connection_(std::move(connection)),
      statements_(connection_, cipher),
      key_memory_(options, clock_guard),
      state_(std::move(state)),
      clock_(clock),
      inbox_(std::move(inbox)),
      disk_(disk),
      counters_(counters),
      health_(health),
      housekeeping_(connection_, statements_, options, clock_guard) {
  measure();
  housekeeping_.load();
}

Writer::~Writer() {
  if (!thread_.joinable()) return;
  inbox_->close();
  thread_.join();
}

void Writer::commit_opening(const std::vector<std::string>& destinations) {
  ++state_.openings;
  for (const std::string& name : destinations) state_.totals.of(name);
  Saved saved = save({{}, false, false});
  while (saved == Saved::disk_full && disk_.make_room()) saved = save({{}, false, false});
  if (saved == Saved::yes) return;
  if (saved == Saved::disk_full) {
    // Without a commit in it, but it must outlast a power cut: journal.lock is about to say that it is there.
    connection_.sync_wal();
    return;
  }
  throw DatabaseError(saved == Saved::corrupt ? SQLITE_CORRUPT : SQLITE_IOERR, last_error_);
}

void Writer::start(Listener listener) {
  listener_ = std::move(listener);
  thread_ = std::thread([this] {
    name_this_thread("writer");
    run();
  });
}

void Writer::run() {
  ThreadProgress progress("writer");
  bool closed = false;
  while (!closed) {
    progress.turn();
    {
      const ThreadProgress::DiskWrite disk_write;
      disk_.tend_reserve();
    }
    Inbox::Batch batch = inbox_->take(patience());
    closed = batch.closed;
    for (const std::int64_t upload : inbox_->take_given_up()) housekeeping_.give_up(upload);
    if (health_.state() == WriterHealth::State::recovering) try_to_recover();
    if (health_.state() == WriterHealth::State::working && disk_.wal_held()) write_wal_back();
    handle(std::move(batch));
    empty_wal_of_erased();
  }
}

std::chrono::milliseconds Writer::patience() {
  const bool at_once = more_housekeeping_ && health_.state() == WriterHealth::State::working;
  return at_once ? std::chrono::milliseconds(0) : idle_patience;
}

// ---- One batch ------------------------------------------------------------------------------------------------------

void Writer::handle(Inbox::Batch batch) {
  const bool had_kept = !kept_.empty();
  batch.first.insert(batch.first.begin(), std::make_move_iterator(kept_.begin()), std::make_move_iterator(kept_.end()));
  kept_.clear();
  admit(batch.arrivals);
  // Looking for housekeeping may itself find the journal damaged: nothing is saved behind that.
  const bool commit = health_.state() == WriterHealth::State::working && needs_commit(batch);
  if (health_.state() != WriterHealth::State::working) {
    refuse(batch.arrivals, AppendRefusal::journal_failing);
    keep(batch.first, AppendRefusal::journal_failing);
    return;
  }
  if (!commit) {
    for (const auto& command : batch.first) command->committed();  // answers alone
    return;
  }

  Work work;
  // Who submits doesn't wait for a slice of housekeeping; every other commit has one whoever submits.
  work.with_housekeeping = batch.arrivals.empty() || slice_was_passed_;
  slice_was_passed_ = more_housekeeping_ && !work.with_housekeeping;
  for (const auto& command : batch.first) work.commands.push_back(command.get());
  for (const auto& command : batch.arrivals) work.commands.push_back(command.get());
  Saved saved = save(work);
  if (saved == Saved::command_failed) {
    work.one_by_one = true;
    work.with_housekeeping = false;
    saved = save(work);
  }
  if (saved == Saved::disk_full) {
    disk_.disk_was_full();
    refuse(batch.arrivals, AppendRefusal::disk_low);
    saved = save_without_arrivals(batch, std::move(work));
  }
  if (saved != Saved::yes) {
    more_housekeeping_ = false;
    met(saved);
    refuse(batch.arrivals, saved == Saved::disk_full ? AppendRefusal::disk_low : AppendRefusal::journal_failing);
    keep(batch.first, AppendRefusal::journal_failing);
    return;
  }
  if (had_kept) release_held_claims();
  write_wal_back();
}

// On a full disk: what comes first alone, in the room that the reserve gives.
Writer::Saved Writer::save_without_arrivals(const Inbox::Batch& batch, Work work) {
  work.commands.clear();
  for (const auto& command : batch.first) work.commands.push_back(command.get());
  if (work.commands.empty()) {
    // Room for the next turn; without any, it waits like everybody else.
    if (work.with_housekeeping && more_housekeeping_ && !disk_.make_room()) more_housekeeping_ = false;
    return Saved::yes;
  }
  work.with_housekeeping = false;
  Saved saved = save(work);
  while (saved == Saved::disk_full && disk_.make_room()) saved = save(work);
  return saved;
}

bool Writer::needs_commit(const Inbox::Batch& batch) {
  more_housekeeping_ = false;
  try {
    more_housekeeping_ = housekeeping_.due(state_, clock_.wall_now(), clock_.monotonic_now());
  } catch (const DatabaseError& error) {
    last_error_ = error.what();
    met(error.corrupt() ? Saved::corrupt : Saved::io_error);
    return false;
  }
  if (more_housekeeping_ || !batch.arrivals.empty()) return true;
  if (std::any_of(batch.first.begin(), batch.first.end(), [](const auto& c) { return c->changes_anything(); })) {
    return true;
  }
  const auto counting = counters_.waiting_since();
  return counting && clock_.monotonic_now() - *counting >= counters_wait_at_most;
}

void Writer::admit(std::vector<std::unique_ptr<Command>>& arrivals) {
  ByteCount bytes{0};
  std::vector<std::unique_ptr<Command>> admitted;
  admitted.reserve(arrivals.size());
  for (auto& arrival : arrivals) {
    if (arrival->refused_because_stopping()) {
      arrival->not_saved(AppendRefusal::stopping);
      continue;
    }
    bytes += arrival->weight();
    bulk_in_wal_ = bulk_in_wal_ || arrival->brings_chunk();
    if (const auto refusal = disk_.refuses(bytes)) {
      arrival->not_saved(*refusal);
      bytes -= arrival->weight();
    } else {
      admitted.push_back(std::move(arrival));
    }
  }
  arrivals = std::move(admitted);
}

void Writer::refuse(std::vector<std::unique_ptr<Command>>& arrivals, AppendRefusal why) {
  for (const auto& arrival : std::exchange(arrivals, {})) arrival->not_saved(why);
}

void Writer::keep(std::vector<std::unique_ptr<Command>>& first, AppendRefusal why) {
  // Before anybody is told: who hears that an outcome couldn't be saved must find nothing more to claim.
  if (!first.empty()) health_.set_holding(true);
  for (auto& command : std::exchange(first, {})) {
    if (!command->changes_anything()) {
      command->committed();
    } else if (command->not_saved(why) == Command::Fate::keep) {
      kept_.push_back(std::move(command));
    }
  }
  health_.set_holding(!kept_.empty());
}

void Writer::release_held_claims() {
  health_.set_holding(!kept_.empty());
  if (kept_.empty() && listener_.everything_may_have_work) listener_.everything_may_have_work();
}

// ---- One transaction ------------------------------------------------------------------------------------------------

Writer::Saved Writer::save(const Work& work) {
  // All of it: a page that is read, or written before its time, waits for the disk as the fsync does.
  std::optional<ThreadProgress::DiskWrite> disk_write(std::in_place);
  WriterState working = state_;
  WriteTransaction transaction{connection_, statements_, working, clock_.wall_now(), key_memory_};
  const std::size_t destinations_before = state_.totals.rows().size();
  failed_alone_.clear();
  health_.commit_begins(clock_.monotonic_now());
  try {
    statements_.begin.run();
    apply_all(transaction, work);
    commit_state(transaction);
  } catch (const DatabaseError& error) {
    const Saved trouble = roll_back(error);
    health_.commit_ends(clock_.monotonic_now(), 0);
    return trouble;
  }
  disk_write.reset();
  state_ = std::move(working);
  housekeeping_.settled(true);
  counters_.end_save(true, clock_.monotonic_now());
  health_.commit_ends(clock_.monotonic_now(), work.commands.size());
  if (listener_.totals_grew && state_.totals.rows().size() != destinations_before) {
    listener_.totals_grew(state_.totals);
  }
  after_commit(transaction, work);
  return Saved::yes;
}

void Writer::apply_all(WriteTransaction& transaction, const Work& work) {
  for (Command* command : work.commands) {
    if (!work.one_by_one) {
      command->apply(transaction);
    } else {
      apply_alone(transaction, *command);
    }
  }
  if (work.with_housekeeping && more_housekeeping_) bulk_in_wal_ = housekeeping_.run(transaction) || bulk_in_wal_;
}

void Writer::apply_alone(WriteTransaction& transaction, Command& command) {
  const WriterState before = transaction.state;
  const std::size_t work_before = transaction.may_have_work.size();
  const std::size_t new_work_before = transaction.new_work.size();
  const std::size_t ended_before = transaction.ended.size();
  statements_.savepoint.run();
  try {
    command.apply(transaction);
    statements_.release_savepoint.run();
  } catch (const DatabaseError& error) {
    if (!error.constraint()) throw;
    statements_.roll_back_to_savepoint.run();
    statements_.release_savepoint.run();
    transaction.state = before;
    transaction.may_have_work.resize(work_before);
    transaction.new_work.resize(new_work_before);
    transaction.ended.resize(ended_before);
    failed_alone_.push_back(&command);
    log_error("the journal has a row already where a new one belongs: one change was refused",
              {{"error", error.what()}});
  }
}

void Writer::commit_state(WriteTransaction& transaction) {
  WriterState& state = transaction.state;
  ++state.commit_number;
  for (const auto& [counter, value] : counters_.begin_save()) {
    statements_.save_counter.run(counter.name, join_labels(counter.labels), value);
  }
  statements_.totals.save(state.totals);
  statements_.save_state.run(state.openings, state.commit_number, state.next_seq, state.next_upload,
                             state.idempotency_current, state.idempotency_rotated_at);
  statements_.commit.run();
}

Writer::Saved Writer::roll_back(const DatabaseError& error) {
  last_error_ = error.what();
  if (connection_.in_transaction()) {
    try {
      connection_.execute("ROLLBACK");
    } catch (const DatabaseError& second) {
      last_error_ = second.what();
    }
  }
  housekeeping_.settled(false);
  counters_.end_save(false, clock_.monotonic_now());
  if (error.corrupt()) return Saved::corrupt;
  if (error.disk_full()) return Saved::disk_full;
  return error.constraint() ? Saved::command_failed : Saved::io_error;
}

void Writer::after_commit(const WriteTransaction& transaction, const Work& work) {
  const HandOver answers;
  // Before the answers: who claims behind one finds whose turn has come, not what was read ahead.
  if (listener_.queue_changed && !transaction.may_have_work.empty()) listener_.queue_changed();
  for (Command* command : work.commands) {
    if (std::find(failed_alone_.begin(), failed_alone_.end(), command) == failed_alone_.end()) {
      command->committed();
    } else if (command->not_saved(AppendRefusal::journal_failing) == Command::Fate::keep) {
      log_error(
          "an outcome contradicts the journal and can't be saved; that delivery rests until the next start: run "
          "`edge-relay verify`");
    }
  }
  if (listener_.ended && !transaction.ended.empty()) listener_.ended(transaction.ended, statements_.submissions);
  if (listener_.may_have_work) {
    listener_.may_have_work(transaction.may_have_work);
    listener_.may_have_work(transaction.new_work);
  }
  try {
    measure();
  } catch (const DatabaseError& error) {
    // The commit stands, and was answered; what comes next meets the trouble that begins here.
    last_error_ = error.what();
    met(error.corrupt() ? Saved::corrupt : Saved::io_error);
  }
}

void Writer::measure() {
  const auto pages = [](Statement& statement) {
    Rows rows = statement.rows();
    return rows.next() ? rows.count(0) : 0;
  };
  const std::uint64_t all = pages(statements_.page_count);
  const std::uint64_t free = pages(statements_.free_pages);
  if (free > all) throw DatabaseError(SQLITE_CORRUPT, "the journal has more free pages than pages");
  disk_.set_used({(all - free) * static_cast<std::uint64_t>(journal_page_size)});
}

// ---- Trouble --------------------------------------------------------------------------------------------------------

void Writer::met(Saved trouble) {
  if (trouble == Saved::corrupt) {
    health_.set_state(WriterHealth::State::corrupt,
                      "the journal is damaged (" + last_error_ +
                          "): nothing is taken or sent any more; stop the relay, run `edge-relay verify`");
    log_error("the journal is damaged; nothing is taken or sent any more", {{"error", last_error_}});
  } else if (trouble != Saved::disk_full && health_.state() == WriterHealth::State::working) {
    health_.set_state(WriterHealth::State::recovering,
                      "the journal can't be written (" + last_error_ + "); tried again every second");
    log_error("the journal can't be written; nothing is taken until it can", {{"error", last_error_}});
  }
}

void Writer::try_to_recover() {
  const MonotonicTime now = clock_.monotonic_now();
  if (now < next_recovery_) return;
  next_recovery_ = now + recover_every;
  try {
    const ThreadProgress::DiskWrite disk_write;
    if (!connection_.checkpoint(Connection::Checkpoint::truncate)) return;
  } catch (const DatabaseError& error) {
    last_error_ = error.what();
    if (error.corrupt()) met(Saved::corrupt);
    // A full disk fails in several ways: what can't be mapped is called an I/O error.
    if (error.disk_full() || disk_.free_disk() < nothing_free) disk_.make_room();
    return;
  }
  // The first commit behind the hole, with nothing in it that somebody waits for.
  health_.set_state(WriterHealth::State::working, "");
  if (health_.state() != WriterHealth::State::working) return;  // a reader found it damaged meanwhile
  const Saved saved = save({{}, false, false});
  if (saved != Saved::yes) {
    met(saved);
    return;
  }
  log_info("the journal can be written again");
  release_held_claims();
}

// ---- The end --------------------------------------------------------------------------------------------------------

bool Writer::finish() {
  if (thread_.joinable()) thread_.join();
  bool whole = false;
  try {
    if (health_.state() == WriterHealth::State::working) {
      if (counters_.waiting_since()) save({{}, false, false});
      whole = kept_.empty() && connection_.checkpoint(Connection::Checkpoint::truncate);
    }
  } catch (const DatabaseError& error) {
    log_warning("the journal's WAL couldn't be written back; the next start does it", {{"error", error.what()}});
  }
  if (!kept_.empty()) {
    log_error("outcomes couldn't be saved before the end; these deliveries will be sent again",
              {{"count", kept_.size()}});
  }
  return whole;
}

}  // namespace relay
