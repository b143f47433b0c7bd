// The journal: everything that survives a crash. Intake appends, lanes claim and settle, operations read; they meet
// nowhere else. This interface knows nothing of SQLite: no row number, cursor arithmetic or sequence gets out.
//
// Threads: append, upload, settle and count are asynchronous, from any thread; their callbacks run on the writer's
// thread, after the commit that holds their effect has been fsynced, and must only hand over. claim, read_payload and
// the queries run on the caller's thread over reading connections that the journal owns.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/byte_count.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "journal/confirmations.hpp"
#include "submission/delivery.hpp"
#include "submission/payload_source.hpp"
#include "submission/submission.hpp"

namespace relay {

// Grows by one with every commit: two answers with the same number saw the same journal.
using CommitNumber = std::uint64_t;

// ---- Intake: append -------------------------------------------------------------------------------------------------

enum class AppendRefusal {
  journal_full,          // journal.max_size
  disk_low,              // journal.min_free_disk, or the disk said full
  journal_failing,       // I/O errors or corruption
  stopping,              // close() was called
  idempotency_conflict,  // the key was used with another payload or type
};

// A large payload on its way in: its chunks are committed as they come and become a submission by append() alone.
// Destroying an unused upload gives the chunks up (they are swept).
class PayloadUpload {
 public:
  virtual ~PayloadUpload() = default;
};

// What a sender calls a message, where its protocol has no idempotency key (HL7: MSH-10). The same name with the same
// payload is a repeat of what was accepted less than `window` ago and is queued or delivered now.
struct MessageName {
  std::string text;  // scope and name as one text ("mllp:<client>:<MSH-10>"); the journal keeps hashes of it
  std::chrono::milliseconds window{0};
  bool absorb = true;  // false: a repeat becomes a submission of its own
};

struct NewSubmission {
  Submission submission;
  std::vector<std::string> destinations;  // a delivery each; at least one
  // Scope and key as one text ("http:<client>:<key>"); the journal keeps a hash of it.
  std::optional<std::string> idempotency_key{};
  // All bytes (at most inline_payload_limit), or the upload that holds them.
  std::variant<std::string, std::unique_ptr<PayloadUpload>> payload;
  // What the drop folder's door has yet to do about the file (pending_moves()); kept with the submission, in one
  // transaction. Sealed: it holds the file's name.
  std::optional<std::string> pending_move{};
  std::optional<MessageName> message_name{};
};
inline constexpr ByteCount inline_payload_limit = kibibytes(64);
inline constexpr ByteCount payload_chunk_size = kibibytes(256);

// What a message's name said about it.
enum class Recurrence {
  none,
  repeat,       // of an earlier submission, which counts it
  name_reused,  // the name came with another payload within its window
};

struct Appended {
  SubmissionView view;    // as it stands in the journal; of the earlier submission where replayed
  bool replayed = false;  // the same key with the same payload and type had been taken before, or a repeat was absorbed
  Recurrence recurrence = Recurrence::none;
};
using AppendCallback = std::function<void(Result<Appended, AppendRefusal>)>;
using ChunkCallback = std::function<void(Result<void, AppendRefusal>)>;

// A note that came with a submission, until end_pending_move(). It stays whatever becomes of the submission.
struct PendingMove {
  SubmissionId id;
  std::string note;
};

// ---- Forwarder: claim and settle ------------------------------------------------------------------------------------

// Names one claim of one delivery; never used twice, also not over restarts of the process.
struct ClaimToken {
  std::uint64_t value = 0;
  auto operator<=>(const ClaimToken&) const = default;
};

struct Claim {
  ClaimToken token;
  Submission submission;
  unsigned attempts = 0;            // counted tries so far
  unsigned tries_in_a_row = 0;      // broken ones included, since it was queued; for the back-off of a stuck delivery
  bool possibly_delivered = false;  // an earlier try may have reached the destination
  WallTime queued_since{};
  // A start was saved then, and the process ended before its end was: whether that try arrived isn't known.
  std::optional<WallTime> interrupted_since{};
};

enum class ClaimEnd { oldest, newest };

// Which delivery a probe takes.
struct ProbeChoice {
  std::optional<std::string> client{};       // of this client alone
  std::optional<SubmissionId> other_than{};  // not this one, where there is another
  ClaimEnd end = ClaimEnd::oldest;
};

// How a claim ends. `attempt` is recorded; a broken one that repeats the last recorded broken error of this delivery
// replaces it, so that years of probes don't fill the disk.
struct Settlement {
  enum class Kind {
    delivered,    // counted
    dead_letter,  // counted; payload kept
    try_again,    // stays queued until not_before
  };
  Kind kind = Kind::try_again;
  AttemptRecord attempt;                 // `number` is the journal's to give; `counted` says whether attempts grows
  std::optional<WallTime> not_before{};  // try_again: nothing means due at once
  bool possibly_delivered = false;       // remembered with the delivery, and counted where it is sent again
  // False: nothing was sent, only asked after. It makes no repeat.
  bool sent = true;
  // False (try_again alone): there is nothing to record, the delivery only waits on.
  bool recorded = true;
  // delivered: the destination is to be asked then what became of it.
  std::optional<WallTime> follow_up_at{};
};
// The start of an attempt, for destinations that can be asked what became of it: saved before anything is sent.
struct AttemptStart {
  WallTime started_at{};
  // The destination was asked: no earlier try arrived, so this one is no repeat.
  bool earlier_ones_are_absent = false;
};
enum class SettleRefusal {
  stale_token,      // the claim has ended already
  journal_failing,  // couldn't be saved now; the journal keeps it and saves it later, the delivery isn't sent again
};
using SettleCallback = std::function<void(Result<void, SettleRefusal>)>;

// ---- What a lane says about itself ----------------------------------------------------------------------------------

struct Histogram {
  std::vector<double> bounds;          // upper bounds, ascending; a last bucket beyond them
  std::vector<std::uint64_t> buckets;  // not cumulated; bounds.size() + 1
  double sum = 0;
};

// Kept in memory; merged into every queued delivery that a query shows, so that each tells why it waits.
struct DestinationCondition {
  bool up = true;                                // false while its circuit is open
  std::optional<DeliveryError> circuit_error{};  // why it is open
  std::optional<WallTime> circuit_since{};
  std::optional<WallTime> next_probe_at{};
  std::optional<WallTime> last_success_at{};
  std::optional<DeliveryError> last_error{};      // of any delivery
  std::uint64_t stuck = 0;                        // deliveries that fail while others succeed
  std::vector<SubmissionId> stuck_submissions{};  // the first of them
  std::uint64_t in_flight = 0;
  bool refusing_everything = false;
  // How far this machine's clock is ahead of the last Date that the destination sent, where they don't agree.
  std::optional<std::chrono::milliseconds> clock_ahead_by{};
  std::optional<WallTime> clock_off_since{};
  Histogram delivery_seconds;  // from accepted to delivered, of this process's lifetime
};

// ---- Queries --------------------------------------------------------------------------------------------------------

struct SubmissionQuery {
  std::optional<SubmissionState> state{};
  std::optional<std::string> destination{};
  std::optional<std::string> client{};
  std::optional<WallTime> since{};  // accepted at or after
  std::size_t limit = 100;
  std::optional<std::string> cursor{};  // from an earlier page
};
// A page may be short or empty and still have a next_cursor: a bounded number of rows is looked at.
struct SubmissionPage {
  CommitNumber as_of = 0;
  std::vector<SubmissionView> submissions;  // newest first
  std::optional<std::string> next_cursor{};
};

struct FoundSubmission {
  CommitNumber as_of = 0;
  SubmissionView view;
};

// Promise 7: accepted + moved_in = delivered + queued + dead_letter + discarded + moved_out, at every instant.
struct DestinationTotals {
  std::uint64_t accepted = 0;
  std::uint64_t delivered = 0;
  std::uint64_t ever_delivered = 0;  // `delivered` and those that an operator had sent again since: never falls
  std::uint64_t queued = 0;
  std::uint64_t dead_letter = 0;
  std::uint64_t discarded = 0;
  std::uint64_t moved_in = 0;
  std::uint64_t moved_out = 0;
  std::map<Outcome, std::uint64_t> attempts;
  std::uint64_t possible_repeats = 0;
  std::optional<WallTime> oldest_queued_at{};  // accepted_at of the oldest queued delivery
  std::optional<WallTime> last_delivered_at{};
  bool paused = false;  // by an operator: nothing is claimed
};

// A counter that outlives the process: saved with the next commit, at the latest after five seconds and at close.
struct CounterName {
  std::string name;                 // submissions_refused, repeats_absorbed
  std::vector<std::string> labels;  // in the metric's order
  auto operator<=>(const CounterName&) const = default;
};

struct JournalSnapshot {
  CommitNumber as_of = 0;
  std::map<std::string, DestinationTotals> destinations;  // every one that ever had a delivery or is configured
  std::map<Intake, std::uint64_t> accepted_by_intake;
  std::map<CounterName, std::uint64_t> counters;            // as saved; from memory where nothing can be saved
  std::map<std::string, ConfirmationCounts> confirmations;  // of destinations where any is late or failed
};

// What the journal knows of itself, from memory; never blocks.
struct JournalCondition {
  std::optional<AppendRefusal> refusing{};                      // why nothing is accepted now; nothing: it accepts
  std::string reason;                                           // in words, while refusing
  std::optional<std::chrono::milliseconds> commit_under_way{};  // how long the writer has been inside one
  Histogram commit_seconds;
  Histogram commit_batch_size;
  ByteCount journal_bytes;
  ByteCount wal_bytes;
  ByteCount disk_free;
};

class OperatorActions;  // operator_actions.hpp

class Journal {
 public:
  virtual ~Journal() = default;

  // Cheap, any thread: would an append of that size be refused now? Asked before a body is read.
  virtual std::optional<AppendRefusal> admission(ByteCount size) const = 0;
  virtual void append(NewSubmission submission, AppendCallback callback) = 0;
  virtual std::unique_ptr<PayloadUpload> open_upload(const SubmissionId& id) = 0;
  // Chunks of exactly payload_chunk_size but for the last; the next one after the callback of the one before.
  virtual void append_chunk(PayloadUpload& upload, std::string bytes, ChunkCallback callback) = 0;
  // Oldest first. One whose seal doesn't open is left out, and said in the log.
  virtual Result<std::vector<PendingMove>> pending_moves() = 0;
  // Asynchronous, without an answer: a note that is lost to a crash just before is met again at the next start.
  virtual void end_pending_move(const SubmissionId& id) = 0;

  // Claims up to `count` due deliveries of a destination: due retries first, then the oldest queued.
  virtual std::vector<Claim> claim(const std::string& destination, std::size_t count) = 0;
  // Claims one delivery for a probe, due or not; nothing where none is open and unclaimed.
  virtual std::optional<Claim> claim_probe(const std::string& destination, const ProbeChoice& choice) = 0;
  // Clients with an open, unclaimed delivery at that destination, at most `limit`; bounded by the number of clients.
  virtual std::vector<std::string> waiting_clients(const std::string& destination, std::size_t limit) = 0;
  // When the next delivery of that destination becomes due by its not_before; nothing where none waits for time.
  virtual std::optional<WallTime> next_due(const std::string& destination) = 0;
  // Saves that an attempt begins; nothing may be sent before its callback says so.
  virtual void begin_attempt(ClaimToken token, AttemptStart start, SettleCallback callback) = 0;
  // The claim ends after the commit of its settlement.
  virtual void settle(ClaimToken token, Settlement settlement, SettleCallback callback) = 0;
  // Gives an unsent claim back, at once and without a write.
  virtual void release(ClaimToken token) = 0;
  // What that destination is to be asked about now, longest due first. Nothing is claimed: who asks remembers it.
  virtual std::vector<FollowUp> due_follow_ups(const std::string& destination, std::size_t count) = 0;
  virtual std::optional<WallTime> next_follow_up(const std::string& destination) = 0;
  virtual void settle_follow_up(const std::string& destination, FollowUpNews news, FollowUpCallback callback) = 0;
  // The payload behind a claim, hashed while it is read in order. Valid while the journal is open.
  virtual std::shared_ptr<PayloadSource> payload(const Claim& claim) = 0;

  // `wake` runs (on the writer's thread) whenever that destination may have new work; it must only hand over. One
  // subscriber a destination; an empty function ends it.
  virtual void subscribe(const std::string& destination, std::function<void()> wake) = 0;
  // `done` runs once, as soon as no delivery of that submission is queued (at once, on the caller's thread, where that
  // is so already). The returned number takes it back.
  virtual std::uint64_t watch(const SubmissionId& id, std::function<void()> done) = 0;
  virtual void unwatch(std::uint64_t watch) = 0;

  virtual void set_condition(const std::string& destination, DestinationCondition condition) = 0;
  virtual std::map<std::string, DestinationCondition> conditions() const = 0;
  virtual void count(const CounterName& counter, std::uint64_t increment = 1) = 0;
  // Saves what was counted, so that the next snapshot has it; `done` runs on the writer's thread, also where it can't
  // be saved just now. False: nothing waits to be saved, and `done` won't run.
  virtual bool save_counts(std::function<void()> done) = 0;

  virtual Result<std::optional<FoundSubmission>> find(const SubmissionId& id, bool with_history) = 0;
  // Error: a cursor that isn't one of ours, or the journal can't be read.
  virtual Result<SubmissionPage> list(const SubmissionQuery& query) = 0;
  virtual Result<std::shared_ptr<PayloadSource>> payload_of(const SubmissionId& id) = 0;
  // One read transaction: all of it belongs to as_of.
  virtual Result<JournalSnapshot> snapshot() = 0;
  virtual JournalCondition condition() const = 0;

  // What people do to what is kept, and the record of it. Lives as long as the journal.
  virtual OperatorActions& operator_actions() = 0;

  // A destination's answer said what time it is, just now: by that a clock that jumped is trusted again. Any thread.
  virtual void witness_clock(WallTime theirs) = 0;

  // Takes nothing new (AppendRefusal::stopping) while settlements still go through.
  virtual void stop_appends() = 0;
  // Commits what waits, checkpoints, marks the journal clean and closes it. No call may follow.
  virtual void close() = 0;
};

// ---- Opening --------------------------------------------------------------------------------------------------------

struct JournalOptions {
  std::string path;
  ByteCount max_size = gibibytes(50);
  ByteCount min_free_disk = gibibytes(1);
  bool allow_tmpfs = false;
  std::chrono::milliseconds keep_idempotency{std::chrono::hours(24 * 7)};
  std::chrono::milliseconds keep_message_names{0};  // the longest MessageName::window there is
  // Payloads are erased that long after every delivery is delivered or discarded; metadata and attempts that long
  // after.
  std::chrono::milliseconds keep_delivered_payload{std::chrono::hours(24 * 7)};
  std::chrono::milliseconds keep_record{std::chrono::hours(24 * 365 * 2)};
  std::chrono::milliseconds keep_audit{std::chrono::hours(24 * 365 * 7)};
  // An open not_before further away than this is brought back to it (a clock that was set back).
  std::chrono::milliseconds max_backoff{300'000};
  // Every destination of the configuration, so that each has its totals from the start.
  std::vector<std::string> destinations;
  // journal.encryption_key, 32 bytes each: the first seals, all open. Empty: nothing is sealed.
  std::vector<Secret> encryption_keys{};
  // SQLite VFS to use; empty: the default. For the power-loss and fault harnesses.
  std::string vfs;
};

// Why a journal can't be used: exit code 65. Nothing was changed. The message names the way out.
struct JournalOpenFailure {
  enum class Kind { newer, corrupt, locked, misplaced, missing_part, unreadable, wrong_key } kind = Kind::unreadable;
  std::string message;
};

// Makes the journal where there is none yet. Starts the writer's thread. `clock` outlives the journal.
Result<std::unique_ptr<Journal>, JournalOpenFailure> open_journal(const JournalOptions& options, const Clock& clock);

}  // namespace relay
