// JournalWorkload: a few logical clients and lanes at work on one open journal, at random: submissions small and large,
// with and without idempotency keys and message names, repeats, uploads that are given up, claims, tries whose
// beginning is saved, every kind of settlement, later news of what was handed over, operators' acts, marks that are
// used once, counters, queries. What it is answered goes into a JournalModel.
//
// One thread drives it; the journal's callbacks only hand over. Two more threads may read beside it.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "journal/journal.hpp"
#include "support/answer_inbox.hpp"
#include "support/journal_model.hpp"
#include "support/stepped_clock.hpp"

namespace relay {

struct WorkloadOptions {
  std::size_t in_flight = 1;   // answers not waited for; 1: step by step, so that a seed repeats the run
  unsigned readers = 0;        // threads that query beside
  bool large_payloads = true;  // uploads of up to a few chunks
};

class JournalWorkload {
 public:
  // `dead`: the power is off, it makes no sense to go on. `excused`: something below the journal has failed, so that it
  // may refuse and fail.
  JournalWorkload(Journal& journal, JournalModel& model, SteppedClock& clock, std::uint64_t seed,
                  WorkloadOptions options, std::function<bool()> dead, std::function<bool()> excused);
  ~JournalWorkload();

  // Does up to `steps` steps; stops early once dead.
  void run(unsigned steps);
  // After the journal was closed: every answer has come, also the bad ones.
  void finish();

  const JournalModel::Findings& findings() const { return findings_; }
  std::uint64_t acknowledged() const { return acknowledged_; }

 private:
  struct Held {
    Claim claim;
    std::string destination;
  };
  struct Upload {
    SubmissionId id;
    std::unique_ptr<PayloadUpload> handle;
    std::string rest;  // what wasn't handed over yet
    bool failed = false;
  };

  // A settlement whose answer is awaited.
  struct Settled {
    SubmissionId id;
    std::string destination;
    DeliveryState state;
    bool counted;
    std::string confirmation;
  };

  void step();
  void name(KnownSubmission& known);
  void append(KnownSubmission& known, std::variant<std::string, std::unique_ptr<PayloadUpload>> payload);
  void append_bytes(KnownSubmission& known);
  void append_new();
  void append_repeat();
  void append_conflict();
  void end_move();
  void use_mark();
  void upload();
  void upload_chunk();
  void claim();
  void claim_probe();
  void settle();
  void release();
  void settle_stale();
  void read_payload();
  void query();
  void count();
  void begin_attempt();
  void ask();
  void act();
  void retry_all();
  void pause_or_resume();

  void take(std::vector<Claim> claims, const std::string& destination);
  Held take_held();
  const KnownSubmission* any_submission(bool with_key);
  const std::string& any_destination();
  void answered_append(const SubmissionId& id, const Result<Appended, AppendRefusal>& result);
  void answered_settle(const Settled& settled, const Result<void, SettleRefusal>& result);
  void answered_act(SubmissionAction action, const KnownDelivery& before, const std::string& who,
                    const Result<ActionDone, ActionRefusal>& result);
  void answered_retry_all(const std::string& who, const Result<ActionDone, ActionRefusal>& result);
  void came_to_be_saved(const std::pair<SubmissionId, std::string>& which);
  bool all_answered();
  void wait(std::size_t limit);
  void read_beside(std::uint64_t seed);
  unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
  void finding(std::string text) { findings_.push_back(std::move(text)); }

  Journal& journal_;
  JournalModel& model_;
  SteppedClock& clock_;
  std::mt19937_64 random_;
  WorkloadOptions options_;
  std::function<bool()> dead_;
  std::function<bool()> excused_;
  std::shared_ptr<AnswerInbox> inbox_ = std::make_shared<AnswerInbox>();
  JournalModel::Findings findings_;
  std::uint64_t acknowledged_ = 0;

  std::vector<Held> held_;
  std::set<std::pair<SubmissionId, std::string>> taken_;  // held, or settled without an answer yet
  std::vector<ClaimToken> ended_;
  std::optional<Upload> upload_;

  std::atomic<bool> stop_readers_{false};
  std::mutex reader_mutex_;
  JournalModel::Findings reader_findings_;
  std::vector<std::thread> readers_;
};

}  // namespace relay
