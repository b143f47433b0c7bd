#include "journal/sqlite_journal.hpp"

#include <algorithm>
#include <stdexcept>

#include "base/log.hpp"
#include "journal/append.hpp"
#include "journal/attempt_start.hpp"
#include "journal/pending_moves.hpp"
#include "journal/settlement.hpp"
#include "journal/sqlite_operator_actions.hpp"
#include "journal/uploads.hpp"
#include "journal/used_marks.hpp"

namespace relay {

SqliteJournal::SqliteJournal(const JournalOptions& options, const Clock& clock, LockFile lock, Connection connection,
                             std::shared_ptr<const PayloadCipher> cipher, WriterState state)
    : options_(options),
      clock_(clock),
      lock_(std::move(lock)),
      journal_id_(state.journal_id),
      cipher_(std::move(cipher)),
      disk_(options, clock),
      clock_guard_(clock),
      inbox_(std::make_shared<Inbox>()),
      pool_(std::make_shared<ReadingPool>(options.path, options.vfs, cipher_)) {
  counters_.load(connection);
  writer_ = std::make_unique<Writer>(std::move(connection), *cipher_, std::move(state), options_, clock_, inbox_, disk_,
                                     counters_, health_, clock_guard_);
  writer_->commit_opening(options_.destinations);
  // The WAL is on the disk now, as a rule with a commit in it, so it must be there at the next start.
  lock_.write({journal_id_, true});
  claims_ = std::make_unique<ClaimSet>(writer_->state().openings);
  names_.update(writer_->state().totals);
  paused_.load(writer_->state().totals);
  actions_ = std::make_unique<SqliteOperatorActions>(
      ActionParts{*cipher_, *claims_, claiming_, paused_, *inbox_, stopping_}, pool_, clock_);
  writer_->start(listener());
}

SqliteJournal::~SqliteJournal() {
  close();
}

Writer::Listener SqliteJournal::listener() {
  Writer::Listener listener;
  listener.totals_grew = [this](const Totals& totals) { names_.update(totals); };
  listener.queue_changed = [this] { claims_->queue_changed(); };
  listener.may_have_work = [this](const std::vector<DestinationNumber>& destinations) {
    std::vector<DestinationNumber> once = destinations;
    std::sort(once.begin(), once.end());
    once.erase(std::unique(once.begin(), once.end()), once.end());
    for (const DestinationNumber number : once) subscriptions_.wake(names_.name(number));
  };
  listener.everything_may_have_work = [this] { subscriptions_.wake_all(); };
  listener.ended = [this](const std::vector<SubmissionId>& ended, SubmissionReader& submissions) {
    run_watches(ended, submissions);
  };
  return listener;
}

// ---- Intake ---------------------------------------------------------------------------------------------------------

std::optional<AppendRefusal> SqliteJournal::admission(ByteCount size) const {
  if (stopping_) return AppendRefusal::stopping;
  if (health_.state() != WriterHealth::State::working) return AppendRefusal::journal_failing;
  return disk_.refuses(size);
}

void SqliteJournal::append(NewSubmission submission, AppendCallback callback) {
  auto command =
      std::make_unique<AppendCommand>(std::move(submission), std::move(callback), journal_id_, *cipher_, conditions_);
  if (stopping_) command->refuse_because_stopping();
  inbox_->post(std::move(command));
}

std::unique_ptr<PayloadUpload> SqliteJournal::open_upload(const SubmissionId& id) {
  return std::make_unique<JournalUpload>(id, inbox_);
}

void SqliteJournal::append_chunk(PayloadUpload& upload, std::string bytes, ChunkCallback callback) {
  auto* ours = dynamic_cast<JournalUpload*>(&upload);
  if (ours == nullptr) throw std::invalid_argument("a chunk was appended to an upload of another journal");
  if (bytes.empty() || bytes.size() > payload_chunk_size.value ||
      ours->state()->bytes != static_cast<std::uint64_t>(ours->state()->chunks) * payload_chunk_size.value) {
    throw std::invalid_argument("a chunk was appended that doesn't have the size of chunks");
  }
  auto command = std::make_unique<ChunkCommand>(ours->state(), std::move(bytes), *cipher_, std::move(callback));
  if (stopping_) command->refuse_because_stopping();
  inbox_->post(std::move(command));
}

Result<std::vector<PendingMove>> SqliteJournal::pending_moves() {
  try {
    auto reader = pool_->lease();
    return read_pending_moves(reader->connection, *cipher_);
  } catch (const DatabaseError& error) {
    return Failure{read_failure(error)};
  }
}

void SqliteJournal::end_pending_move(const SubmissionId& id) {
  inbox_->post(std::make_unique<EndPendingMoveCommand>(id));
}

void SqliteJournal::use_once(std::string_view mark, WallTime until, UseOnceCallback callback) {
  auto command = std::make_unique<UseOnceCommand>(mark, until, std::move(callback), journal_id_, *cipher_);
  if (stopping_) command->refuse_because_stopping();
  inbox_->post(std::move(command));
}

UseOnce& use_once_of(Journal& journal) {
  return dynamic_cast<UseOnce&>(journal);
}

void SqliteJournal::stop_appends() {
  stopping_ = true;
}

// ---- Forwarder ------------------------------------------------------------------------------------------------------

std::optional<DestinationNumber> SqliteJournal::claimable(const std::string& destination) const {
  const auto number = health_.may_claim() ? names_.number(destination) : std::nullopt;
  return number && !paused_.contains(*number) ? number : std::nullopt;
}

Claim SqliteJournal::take(ClaimableDelivery found) {
  found.claim.token = claims_->add(std::move(found.place));
  return std::move(found.claim);
}

std::vector<Claim> SqliteJournal::claim(const std::string& destination, std::size_t count) {
  std::vector<Claim> claims;
  const auto number = claimable(destination);
  if (!number || count == 0) return claims;
  const std::lock_guard lock(claiming_);
  try {
    while (claims.size() < count) {
      const MonotonicTime now = clock_.monotonic_now();
      const std::uint64_t queue_changes = claims_->queue_changes();
      auto next = read_ahead_.next(*number, queue_changes, now);
      if (!next) {
        auto read = read_due(*number, read_ahead_.to_read(*number, count - claims.size(), now));
        if (read.empty()) break;
        read_ahead_.keep(*number, std::move(read), queue_changes, now);
        next = read_ahead_.next(*number, queue_changes, now);
      }
      // Asked again behind the read: what came after a pause was answered is never claimed.
      if (!claimable(destination)) break;
      claims.push_back(take(std::move(*next)));
    }
  } catch (const DatabaseError& error) {
    log_error("nothing can be claimed", {{"destination", destination}, {"error", read_failure(error).message}});
  }
  return claims;
}

std::vector<ClaimableDelivery> SqliteJournal::read_due(DestinationNumber number, std::size_t count) {
  const auto claimed = claims_->claimed(number);
  auto reader = pool_->lease();
  const ReadTransaction transaction(reader->connection);
  return reader->claims.due(number, clock_.wall_now(), count, claimed);
}

std::optional<Claim> SqliteJournal::claim_probe(const std::string& destination, const ProbeChoice& choice) {
  const auto number = claimable(destination);
  if (!number) return std::nullopt;
  const std::lock_guard lock(claiming_);
  try {
    const auto claimed = claims_->claimed(*number);
    auto reader = pool_->lease();
    const ReadTransaction transaction(reader->connection);
    auto found = reader->claims.probe(*number, choice, claimed);
    // It may have been read ahead.
    claims_->queue_changed();
    if (found && claimable(destination)) return take(std::move(*found));
  } catch (const DatabaseError& error) {
    log_error("nothing can be claimed", {{"destination", destination}, {"error", read_failure(error).message}});
  }
  return std::nullopt;
}

std::vector<std::string> SqliteJournal::waiting_clients(const std::string& destination, std::size_t limit) {
  const auto number = claimable(destination);
  if (!number) return {};
  try {
    const auto claimed = claims_->claimed(*number);
    auto reader = pool_->lease();
    const ReadTransaction transaction(reader->connection);
    return reader->claims.waiting_clients(*number, limit, claimed);
  } catch (const DatabaseError& error) {
    log_error("waiting clients can't be read", {{"destination", destination}, {"error", read_failure(error).message}});
    return {};
  }
}

std::optional<WallTime> SqliteJournal::next_due(const std::string& destination) {
  const auto number = claimable(destination);
  if (!number) return std::nullopt;
  try {
    const auto claimed = claims_->claimed(*number);
    auto reader = pool_->lease();
    const auto due = reader->claims.next_due(*number, claimed);
    // One that a clock change put too far away is on its way back.
    return due ? std::optional(std::min(*due, clock_.wall_now() + options_.max_backoff)) : std::nullopt;
  } catch (const DatabaseError& error) {
    log_error("retries can't be read", {{"destination", destination}, {"error", read_failure(error).message}});
    return std::nullopt;
  }
}

void SqliteJournal::begin_attempt(ClaimToken token, AttemptStart start, SettleCallback callback) {
  inbox_->post(std::make_unique<AttemptStartCommand>(claims_->find(token), start, std::move(callback)));
}

void SqliteJournal::settle(ClaimToken token, Settlement settlement, SettleCallback callback) {
  inbox_->post(std::make_unique<SettleCommand>(token, claims_->begin_settlement(token), std::move(settlement),
                                               std::move(callback), *cipher_, *claims_));
}

void SqliteJournal::release(ClaimToken token) {
  if (const auto destination = claims_->release(token)) subscriptions_.wake(names_.name(*destination));
}

std::vector<FollowUp> SqliteJournal::due_follow_ups(const std::string& destination, std::size_t count) {
  const auto number = claimable(destination);
  if (!number || count == 0) return {};
  try {
    auto reader = pool_->lease();
    const ReadTransaction transaction(reader->connection);
    return reader->follow_ups.due(*number, clock_.wall_now(), count);
  } catch (const DatabaseError& error) {
    log_error("follow-ups can't be read", {{"destination", destination}, {"error", read_failure(error).message}});
    return {};
  }
}

std::optional<WallTime> SqliteJournal::next_follow_up(const std::string& destination) {
  const auto number = claimable(destination);
  if (!number) return std::nullopt;
  try {
    auto reader = pool_->lease();
    return reader->follow_ups.next_due(*number);
  } catch (const DatabaseError& error) {
    log_error("follow-ups can't be read", {{"destination", destination}, {"error", read_failure(error).message}});
    return std::nullopt;
  }
}

void SqliteJournal::settle_follow_up(const std::string& destination, FollowUpNews news, FollowUpCallback callback) {
  const auto number = names_.number(destination);
  if (!number) throw std::logic_error("news came of a destination that never had a delivery");
  inbox_->post(std::make_unique<FollowUpCommand>(*number, std::move(news), std::move(callback)));
}

std::shared_ptr<PayloadSource> SqliteJournal::payload(const Claim& claim) {
  const auto delivery = claims_->find(claim.token);
  return make_payload_source(pool_,
                             delivery
                                 ? payload_place(delivery->seq, delivery->upload, claim.submission, delivery->sound)
                                 : payload_place(0, std::nullopt, claim.submission, false),
                             delivery ? delivery->payload_row : nullptr);
}

// ---- Waking and watching --------------------------------------------------------------------------------------------

void SqliteJournal::subscribe(const std::string& destination, std::function<void()> wake) {
  subscriptions_.subscribe(destination, std::move(wake));
}

std::uint64_t SqliteJournal::watch(const SubmissionId& id, std::function<void()> done) {
  // First on the list, then the look: whoever ends the last delivery in between finds it there.
  const std::uint64_t watch = watches_.add(id, std::move(done));
  try {
    auto reader = pool_->lease();
    const ReadTransaction transaction(reader->connection);
    const auto row = reader->submissions.by_id(id);
    if (row && reader->submissions.any_queued(*row)) return watch;
  } catch (const DatabaseError& error) {
    log_error("a submission can't be watched", {{"submission", id}, {"error", read_failure(error).message}});
    return watch;
  }
  watches_.run(id);
  return watch;
}

void SqliteJournal::unwatch(std::uint64_t watch) {
  watches_.remove(watch);
}

void SqliteJournal::run_watches(const std::vector<SubmissionId>& ended, SubmissionReader& submissions) {
  for (const SubmissionId& id : ended) {
    if (!watches_.any(id)) continue;
    try {
      const auto row = submissions.by_id(id);
      if (!row || !submissions.any_queued(*row)) watches_.run(id);
    } catch (const DatabaseError& error) {
      log_error("a watched submission can't be read", {{"submission", id}, {"error", read_failure(error).message}});
    }
  }
}

// ---- Conditions and counters ----------------------------------------------------------------------------------------

void SqliteJournal::set_condition(const std::string& destination, DestinationCondition condition) {
  conditions_.set(destination, std::move(condition));
}

std::map<std::string, DestinationCondition> SqliteJournal::conditions() const {
  return conditions_.all();
}

void SqliteJournal::count(const CounterName& counter, std::uint64_t increment) {
  counters_.add(counter, increment, clock_.monotonic_now());
}

bool SqliteJournal::save_counts(std::function<void()> done) {
  if (!counters_.unsaved()) return false;
  inbox_->post(std::make_unique<SaveCountsCommand>(std::move(done)));
  return true;
}

Error SqliteJournal::read_failure(const DatabaseError& error) const {
  if (error.corrupt() && health_.state() != WriterHealth::State::corrupt) {
    health_.set_state(WriterHealth::State::corrupt,
                      std::string("the journal is damaged (") + error.what() +
                          "): nothing is taken or sent any more; stop the relay, run `edge-relay verify`");
  }
  return {std::string("the journal can't be read: ") + error.what()};
}

// ---- The end --------------------------------------------------------------------------------------------------------

void SqliteJournal::close() {
  if (std::exchange(closed_, true)) return;
  stopping_ = true;
  inbox_->close();
  const bool whole = writer_->finish();
  pool_->close();
  if (whole) {
    try {
      lock_.write({journal_id_, false});
      writer_->let_wal_go();
    } catch (const std::runtime_error& error) {
      log_warning("the journal stays marked as running", {{"error", error.what()}});
    }
  }
  writer_.reset();
}

}  // namespace relay
