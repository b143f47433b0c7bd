// Writer: the one thread that writes. It takes everything that waits, what comes first before arrivals, applies it in
// one transaction, commits once (one fsync), then answers all of it. Under load the batch grows by itself; there is no
// artificial delay.
//
// What may fail: a full disk costs the arrivals of a batch alone; an I/O error closes intake until the WAL could be
// written back whole (after a failed fsync the kernel calls lost pages clean, so nothing may be appended behind them);
// corruption ends it. What comes first and can't be saved is kept in memory and saved as soon as that works.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "journal/clock_guard.hpp"
#include "journal/command.hpp"
#include "journal/counters.hpp"
#include "journal/disk_guard.hpp"
#include "journal/housekeeping.hpp"
#include "journal/inbox.hpp"
#include "journal/writer_health.hpp"
#include "journal/writer_statements.hpp"

namespace relay {

class Writer {
 public:
  // What others want to know of a commit; run on the writer's thread, after the commands' own answers.
  struct Listener {
    std::function<void(const Totals&)> totals_grew;  // a destination is new
    std::function<void()> queue_changed;  // otherwise than by submissions that came in last, or by what was claimed
    std::function<void(const std::vector<DestinationNumber>&)> may_have_work;
    std::function<void()> everything_may_have_work;  // claims were held back and aren't any more
    std::function<void(const std::vector<SubmissionId>&, SubmissionReader&)> ended;
  };

  // `cipher` opens what it has to read again; outlives it.
  Writer(Connection connection, const PayloadCipher& cipher, WriterState state, const JournalOptions& options,
         const Clock& clock, std::shared_ptr<Inbox> inbox, DiskGuard& disk, CounterTable& counters,
         WriterHealth& health, ClockGuard& clock_guard);
  ~Writer();

  // The first commit: this opening, and the destinations of the configuration. A full disk is no obstacle. Throws
  // DatabaseError. Called before start().
  void commit_opening(const std::vector<std::string>& destinations);
  void start(Listener listener);
  // After the inbox was closed: waits for the thread, saves what is left, writes the WAL back. True where all of the
  // journal is in its database file now.
  bool finish();
  // The connection's end may take the WAL away: only after finish() said true and the lock file says so too.
  void let_wal_go() { connection_.keep_wal_on_close(false); }
  const WriterState& state() const { return state_; }  // before start() alone

 private:
  enum class Saved { yes, disk_full, command_failed, io_error, corrupt };
  struct Work {
    std::vector<Command*> commands;
    bool with_housekeeping = true;
    bool one_by_one = false;  // each in a savepoint of its own: the one that fails leaves nothing
  };

  void run();
  void handle(Inbox::Batch batch);
  void admit(std::vector<std::unique_ptr<Command>>& arrivals);
  void refuse(std::vector<std::unique_ptr<Command>>& arrivals, AppendRefusal why);
  void keep(std::vector<std::unique_ptr<Command>>& first, AppendRefusal why);
  Saved save(const Work& work);
  Saved save_without_arrivals(const Inbox::Batch& batch, Work work);
  void apply_all(WriteTransaction& transaction, const Work& work);
  void apply_alone(WriteTransaction& transaction, Command& command);
  void commit_state(WriteTransaction& transaction);
  Saved roll_back(const DatabaseError& error);
  void after_commit(const WriteTransaction& transaction, const Work& work);
  void measure();
  void write_wal_back();
  bool checkpoint(Connection::Checkpoint kind);
  void empty_wal_of_erased();
  void met(Saved trouble);
  void try_to_recover();
  void release_held_claims();
  bool needs_commit(const Inbox::Batch& batch);
  std::chrono::milliseconds patience();

  Connection connection_;
  WriterStatements statements_;
  const KeyMemory key_memory_;
  WriterState state_;
  const Clock& clock_;
  std::shared_ptr<Inbox> inbox_;
  DiskGuard& disk_;
  CounterTable& counters_;
  WriterHealth& health_;
  Housekeeping housekeeping_;
  Listener listener_;
  std::vector<std::unique_ptr<Command>> kept_;
  std::vector<Command*> failed_alone_;  // of the save under way
  std::string last_error_;
  bool more_housekeeping_ = true;  // at start, before anything is asked
  bool slice_was_passed_ = true;   // by arrivals, in the last commit; what is due at start goes with the first
  MonotonicTime next_recovery_{};
  int written_back_at_ = 0;   // frames in the WAL when it was last written back; 0 since it has begun anew
  bool bulk_in_wal_ = false;  // since then
  MonotonicTime waited_for_readers_{};
  std::chrono::seconds rest_between_waits_{1};  // longer after each wait in vain
  std::thread thread_;
};

}  // namespace relay
