// JournalModel: what the clients and lanes of a journal were told, and so what it must hold after a crash.
//
// Of what was answered it knows exactly what must be there. Of what wasn't (the crash came first) it knows what may be
// there. check_reopened() holds a reopened journal against that and takes over what it finds: from then on that is
// certain too. Used by one thread.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "journal/journal.hpp"

namespace relay {

struct KnownDelivery {
  std::set<DeliveryState> possible{DeliveryState::queued};
  unsigned attempts_least = 0;  // counted ones
  unsigned attempts_most = 0;
  WallTime ended_at{};  // the latest time that a settlement of it named
};

struct KnownSubmission {
  enum class Answer {
    none,          // may be there or not
    acknowledged,  // must be there
    refused,       // must not be there
  };
  Submission submission;
  std::uint64_t payload_seed = 0;
  std::vector<std::string> destinations;
  std::optional<std::string> key;
  Answer answer = Answer::none;
  std::map<std::string, KnownDelivery> deliveries;
};

// Of a pending move.
struct KnownNote {
  std::string text;
  bool ended = false;  // it was asked for: the note may be gone
};

class JournalModel {
 public:
  using Findings = std::vector<std::string>;

  // `keep_record`: of the journal, which may erase what was delivered that long ago.
  explicit JournalModel(std::uint64_t seed, std::chrono::milliseconds keep_record = std::chrono::hours(24 * 365 * 100))
      : random_(seed), keep_record_(keep_record) {}

  // The payload of a seed: any bytes, the same every time.
  static std::string payload(std::uint64_t seed, std::size_t size);

  // A submission that is about to be handed over. `like`: with its payload, type and key again.
  KnownSubmission& invent(const Clock& clock, std::size_t size, const KnownSubmission* like = nullptr);
  KnownSubmission* find(const SubmissionId& id);
  // Its idempotency key can't have been given up yet: it isn't dead, and open or young enough.
  bool must_hold_key(const KnownSubmission& known, WallTime now) const;
  // Whether its record may be gone: every delivery may be delivered, the last of them long enough ago.
  bool may_be_erased(const KnownSubmission& known, WallTime now) const;
  std::chrono::milliseconds keep_record() const { return keep_record_; }
  std::uint64_t erased() const { return erased_; }  // submissions found to be, so far
  const std::vector<std::string>& destinations() const { return destinations_; }
  std::map<SubmissionId, KnownSubmission>& submissions() { return submissions_; }
  std::map<SubmissionId, KnownNote>& notes() { return notes_; }

  // A claim that the journal gave out: its token is new, its delivery known, queued, with the attempts we know of.
  void check_claim(const std::string& destination, const Claim& claim, Findings& findings);
  // Promise 7, and that commit numbers never go back and two answers with one number are equal.
  void check_snapshot(const JournalSnapshot& snapshot, Findings& findings);
  void counted(const CounterName& counter, std::uint64_t increment);

  // `exact`: the journal was closed in good order, so that counters must be complete too.
  void check_reopened(Journal& journal, const Clock& clock, bool exact, Findings& findings);
  // Every known submission is acknowledged and its outcome certain: after check_reopened.
  void check_keys(Journal& journal, const Clock& clock, Findings& findings);

 private:
  std::set<SubmissionId> listed(Journal& journal, Findings& findings);
  bool check_submission(Journal& journal, KnownSubmission& known, const Clock& clock, Findings& findings);
  void count_erased(const KnownSubmission& known);
  void check_delivery(const DeliveryView& view, KnownDelivery& known, const std::string& name, Findings& findings);
  void check_payload(Journal& journal, const KnownSubmission& known, const Clock& clock, Findings& findings);
  void check_notes(Journal& journal, Findings& findings);
  void check_totals(Journal& journal, bool exact, Findings& findings);
  void check_one_of_each_key(WallTime now, Findings& findings);

  std::mt19937_64 random_;
  const std::chrono::milliseconds keep_record_;
  std::vector<std::string> destinations_{"alpha", "beta", "gamma"};
  std::map<SubmissionId, KnownSubmission> submissions_;
  std::map<SubmissionId, KnownNote> notes_;
  std::uint64_t erased_ = 0;
  std::map<std::string, std::uint64_t> erased_deliveries_;
  std::map<Intake, std::uint64_t> erased_by_intake_;
  std::set<ClaimToken> tokens_;
  std::uint32_t ids_ = 0;
  CommitNumber last_commit_ = 0;
  std::map<std::string, DestinationTotals> at_last_commit_;
  std::map<CounterName, std::uint64_t> counters_;       // what we counted
  std::map<CounterName, std::uint64_t> counters_seen_;  // what a reopened journal had
};

// As an operator would name it in a finding.
std::string name_of(const KnownSubmission& known);

}  // namespace relay
