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
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "journal/journal.hpp"
#include "journal/operator_actions.hpp"

namespace relay {

struct KnownDelivery {
  std::set<DeliveryState> possible{DeliveryState::queued};
  unsigned attempts_least = 0;  // counted ones
  unsigned attempts_most = 0;
  WallTime ended_at{};  // the latest time that a settlement or an act named
  unsigned resends_least = 0;
  unsigned resends_most = 0;
  // Of the try that began and whose end isn't saved.
  std::set<std::optional<WallTime>> started{std::nullopt};
  // What its destination said of it later: confirmation and word.
  std::set<std::pair<std::string, std::string>> said{{"none", ""}};
  std::set<std::string> discard_reasons;
  // As its history had them when it was checked last.
  unsigned accepted_tries = 0;
  unsigned refused_tries = 0;

  bool surely(DeliveryState state) const { return possible.size() == 1 && possible.contains(state); }
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
  std::optional<MessageName> message_name;  // instead of a key
  Answer answer = Answer::none;
  std::map<std::string, KnownDelivery> deliveries;
  unsigned repeats_least = 0;
  unsigned repeats_most = 0;
  bool holds_names = true;  // no other one may have taken over its key or message name
  bool reopened = false;    // by an operator, after it had ended
  std::optional<DeliveryOrder> order;
  // Of one count: when it was handed over, and when it was known to be there; 0: not yet.
  std::uint64_t handed_over = 0;
  std::uint64_t known_to_be_there = 0;
};

// Of a pending move.
struct KnownNote {
  std::string text;
  bool ended = false;  // it was asked for: the note may be gone
};

// What may be used once. As far as it is certain: one possible time only.
struct KnownMark {
  // Until when it is held; nothing: it was never used.
  std::set<std::optional<WallTime>> until{std::nullopt};

  static bool holds(const std::optional<WallTime>& until, WallTime now) { return until && *until > now; }
  bool must_be_held(WallTime now) const;
  // It is asked for, and there may be no answer.
  void may_be_held_until(WallTime later, WallTime now);
  // `first`: the journal said that it is used for the first time.
  void answered(bool first, WallTime later, WallTime now, std::vector<std::string>& findings);
};

// What an operator asked for. Each has a `who` of its own, by which it is known again in the audit.
struct KnownAct {
  AuditNote note;  // `changed` as it was answered
  bool answered = false;
  // Of one delivery: the audit tells of it where, and only where, the delivery is in this state.
  std::optional<DeliveryState> leaves_it{};
};

class JournalModel {
 public:
  using Findings = std::vector<std::string>;

  // `keep_record`: of the journal, which may erase what was delivered that long ago.
  explicit JournalModel(std::uint64_t seed, std::chrono::milliseconds keep_record = std::chrono::hours(24 * 365 * 100))
      : random_(seed), keep_record_(keep_record) {
    for (const std::string& destination : destinations_) paused_[destination] = {false};
  }

  // The payload of a seed: any bytes, the same every time.
  static std::string payload(std::uint64_t seed, std::size_t size);

  // A submission that is about to be handed over. `like`: with its payload, type and key again.
  KnownSubmission& invent(const Clock& clock, std::size_t size, const KnownSubmission* like = nullptr);
  KnownSubmission* find(const SubmissionId& id);
  std::uint64_t count_event() { return ++events_; }
  // Its idempotency key can't have been given up yet: it isn't dead, and open or young enough.
  bool must_hold_key(const KnownSubmission& known, WallTime now) const;
  // Its message name makes a repeat: it is queued or delivered, and young enough.
  bool must_hold_name(const KnownSubmission& known, WallTime now) const;
  // Whether they have a key or message name in common.
  static bool share_a_name(const KnownSubmission& a, const KnownSubmission& b);
  // Of a submission that is handed over, or that may have ended without being delivered: whose names may now be
  // another's.
  void contest_names(KnownSubmission& known);
  // Whether its record may be gone: every delivery may be delivered or discarded, the last of them long enough ago.
  bool may_be_erased(const KnownSubmission& known, WallTime now) const;
  std::chrono::milliseconds keep_record() const { return keep_record_; }
  std::uint64_t erased() const { return erased_; }  // submissions found to be, so far
  const std::vector<std::string>& destinations() const { return destinations_; }
  std::map<SubmissionId, KnownSubmission>& submissions() { return submissions_; }
  std::map<SubmissionId, KnownNote>& notes() { return notes_; }

  // An act that is about to be asked for; `who` and a reason are its own.
  KnownAct& ask_for(std::string action, std::string destination);
  void forget_act(const std::string& who) { acts_.erase(who); }
  KnownAct* find_act(const std::string& who);
  std::set<bool>& paused(const std::string& destination) { return paused_[destination]; }
  bool surely_paused(const std::string& destination) { return paused(destination) == std::set{true}; }

  // A mark to use: one that was used before, or a new one.
  std::pair<const std::string, KnownMark>& any_mark(bool used_before);
  KnownMark& mark(const std::string& text) { return marks_.at(text); }

  // What happened so far, for a long run to see that it wasn't idle.
  struct Happened {
    std::uint64_t acts = 0;           // found in the audit behind a crash
    std::uint64_t confirmations = 0;  // likewise
    std::uint64_t interrupted = 0;    // claims of a try that began before a crash
    std::uint64_t named_repeats = 0;  // absorbed
    std::uint64_t paused = 0;         // destinations that were behind a crash
    std::uint64_t marks = 0;          // used before a crash, refused behind it
    std::uint64_t turns = 0;          // claims of what another one of its order came before

    Happened& operator+=(const Happened& more);
    bool anything_missing() const;
  };
  Happened& happened() { return happened_; }

  // A claim that the journal gave out: its token is new, its destination isn't paused, its delivery known, queued, with
  // the attempts and the interrupted try that we know of; and nothing is open there that it has to wait for.
  void check_claim(const std::string& destination, const Claim& claim, Findings& findings);
  // Promise 7, and that commit numbers never go back and two answers with one number are equal.
  void check_snapshot(const JournalSnapshot& snapshot, Findings& findings);
  void counted(const CounterName& counter, std::uint64_t increment);

  // `exact`: the journal was closed in good order, so that counters must be complete too.
  void check_reopened(Journal& journal, const Clock& clock, bool exact, Findings& findings);
  // Every known submission is acknowledged and its outcome certain: after check_reopened.
  void check_keys(Journal& journal, const Clock& clock, Findings& findings);
  // What was used once is refused.
  void check_marks(Journal& journal, const Clock& clock, Findings& findings);
  // Likewise, later than any follow-up was to be made: exactly what is pending is to be asked about.
  void check_follow_ups(Journal& journal, const Clock& clock, Findings& findings);

 private:
  std::set<SubmissionId> listed(Journal& journal, Findings& findings);
  bool check_submission(Journal& journal, KnownSubmission& known, const Clock& clock, Findings& findings);
  void count_erased(const KnownSubmission& known);
  void check_delivery(const DeliveryView& view, KnownDelivery& known, const std::string& name, Findings& findings);
  void check_later_news(const DeliveryView& view, KnownDelivery& known, const std::string& which, Findings& findings);
  void check_payload(Journal& journal, const KnownSubmission& known, const Clock& clock, Findings& findings);
  void check_notes(Journal& journal, Findings& findings);
  void check_pauses(Journal& journal, Findings& findings);
  void check_audit(Journal& journal, Findings& findings);
  void check_act(const AuditEntry& entry, KnownAct& act, Findings& findings);
  void check_totals(Journal& journal, bool exact, Findings& findings);
  void check_turn(const std::string& destination, const KnownSubmission& known, Findings& findings);
  void check_one_of_each_key(WallTime now, Findings& findings);

  std::mt19937_64 random_;
  const std::chrono::milliseconds keep_record_;
  std::vector<std::string> destinations_{"alpha", "beta", "gamma"};
  std::map<SubmissionId, KnownSubmission> submissions_;
  std::map<SubmissionId, KnownNote> notes_;
  std::uint64_t erased_ = 0;
  std::map<std::string, DestinationTotals> erased_totals_;
  std::map<Intake, std::uint64_t> erased_by_intake_;
  std::map<std::string, KnownAct> acts_;  // by who asked for them
  std::map<std::string, std::set<bool>> paused_;
  std::map<std::string, KnownMark> marks_;
  Happened happened_;
  std::set<ClaimToken> tokens_;
  std::uint32_t ids_ = 0;
  std::uint64_t events_ = 0;
  CommitNumber last_commit_ = 0;
  std::map<std::string, DestinationTotals> at_last_commit_;
  std::map<CounterName, std::uint64_t> counters_;       // what we counted
  std::map<CounterName, std::uint64_t> counters_seen_;  // what a reopened journal had
};

// As an operator would name it in a finding.
std::string name_of(const KnownSubmission& known);
std::string words_of(const std::set<DeliveryState>& states);

}  // namespace relay
