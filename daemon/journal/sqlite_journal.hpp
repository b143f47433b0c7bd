// The Journal over SQLite: ties the parts of this folder together and adds nothing of its own. Made by open_journal.
#pragma once

#include <atomic>
#include <memory>

#include "journal/claim_read_ahead.hpp"
#include "journal/claims.hpp"
#include "journal/clock_guard.hpp"
#include "journal/conditions.hpp"
#include "journal/counters.hpp"
#include "journal/destination_names.hpp"
#include "journal/disk_guard.hpp"
#include "journal/inbox.hpp"
#include "journal/journal.hpp"
#include "journal/lock_file.hpp"
#include "journal/operator_actions.hpp"
#include "journal/paused_destinations.hpp"
#include "journal/reading_pool.hpp"
#include "journal/subscriptions.hpp"
#include "journal/use_once.hpp"
#include "journal/watches.hpp"
#include "journal/writer.hpp"
#include "journal/writer_health.hpp"

namespace relay {

class SqliteJournal : public Journal, public UseOnce {
 public:
  // `connection`: the writing one, on a checked journal whose row gave `state`. Commits the opening; throws
  // DatabaseError or std::runtime_error where that fails.
  SqliteJournal(const JournalOptions& options, const Clock& clock, LockFile lock, Connection connection,
                std::shared_ptr<const PayloadCipher> cipher, WriterState state);
  ~SqliteJournal() override;

  std::optional<AppendRefusal> admission(ByteCount size) const override;
  void append(NewSubmission submission, AppendCallback callback) override;
  std::unique_ptr<PayloadUpload> open_upload(const SubmissionId& id) override;
  void append_chunk(PayloadUpload& upload, std::string bytes, ChunkCallback callback) override;
  Result<std::vector<PendingMove>> pending_moves() override;
  void end_pending_move(const SubmissionId& id) override;
  void use_once(std::string_view mark, WallTime until, UseOnceCallback callback) override;

  std::vector<Claim> claim(const std::string& destination, std::size_t count) override;
  std::optional<Claim> claim_probe(const std::string& destination, const ProbeChoice& choice) override;
  std::vector<std::string> waiting_clients(const std::string& destination, std::size_t limit) override;
  std::optional<WallTime> next_due(const std::string& destination) override;
  void begin_attempt(ClaimToken token, AttemptStart start, SettleCallback callback) override;
  void settle(ClaimToken token, Settlement settlement, SettleCallback callback) override;
  void release(ClaimToken token) override;
  std::vector<FollowUp> due_follow_ups(const std::string& destination, std::size_t count) override;
  std::optional<WallTime> next_follow_up(const std::string& destination) override;
  void settle_follow_up(const std::string& destination, FollowUpNews news, FollowUpCallback callback) override;
  std::shared_ptr<PayloadSource> payload(const Claim& claim) override;

  void subscribe(const std::string& destination, std::function<void()> wake) override;
  std::uint64_t watch(const SubmissionId& id, std::function<void()> done) override;
  void unwatch(std::uint64_t watch) override;

  void set_condition(const std::string& destination, DestinationCondition condition) override;
  std::map<std::string, DestinationCondition> conditions() const override;
  void count(const CounterName& counter, std::uint64_t increment) override;
  bool save_counts(std::function<void()> done) override;

  Result<std::optional<FoundSubmission>> find(const SubmissionId& id, bool with_history) override;
  Result<SubmissionPage> list(const SubmissionQuery& query) override;
  Result<std::shared_ptr<PayloadSource>> payload_of(const SubmissionId& id) override;
  Result<JournalSnapshot> snapshot() override;
  JournalCondition condition() const override;
  OperatorActions& operator_actions() override { return *actions_; }
  void witness_clock(WallTime theirs) override { clock_guard_.witness(theirs); }

  void stop_appends() override;
  void close() override;

 private:
  Writer::Listener listener();
  void run_watches(const std::vector<SubmissionId>& ended, SubmissionReader& submissions);
  // Turns a failed read into an error for the caller, and corruption into the journal's state.
  Error read_failure(const DatabaseError& error) const;
  // The lane's turn: one claim at a time for a destination, and its number; nothing where nothing may be claimed.
  std::optional<DestinationNumber> claimable(const std::string& destination) const;
  Claim take(ClaimableDelivery found);
  std::vector<ClaimableDelivery> read_due(DestinationNumber number, std::size_t count);

  const JournalOptions options_;
  const Clock& clock_;
  LockFile lock_;
  const Uuid journal_id_;
  const std::shared_ptr<const PayloadCipher> cipher_;
  DiskGuard disk_;
  CounterTable counters_;
  mutable WriterHealth health_;
  ClockGuard clock_guard_;
  ConditionBoard conditions_;
  DestinationNames names_;
  Subscriptions subscriptions_;
  WatchList watches_;
  std::shared_ptr<Inbox> inbox_;
  std::shared_ptr<ReadingPool> pool_;
  std::mutex claiming_;  // between reading what is claimable and claiming it
  ClaimReadAhead read_ahead_;
  PausedDestinations paused_;
  std::atomic<bool> stopping_{false};
  bool closed_ = false;
  std::unique_ptr<Writer> writer_;
  std::unique_ptr<ClaimSet> claims_;
  std::unique_ptr<OperatorActions> actions_;
};

}  // namespace relay
