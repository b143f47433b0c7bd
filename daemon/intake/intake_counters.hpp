// What the doors count: refusals by reason, repeats and names used twice, in the journal's counters, so that totals
// survive a restart.
#pragma once

#include <string>

#include "intake/refusal_log.hpp"
#include "journal/journal.hpp"

namespace relay {

// Thread-safe.
class IntakeCounters {
 public:
  IntakeCounters(Journal& journal, const Clock& clock) : journal_(journal), log_(clock) {}

  void refused(Intake intake, ProblemName reason) {
    journal_.count({"submissions_refused", {std::string(intake_name(intake)), std::string(problem_name(reason))}});
    log_.note(intake, reason);
  }
  // What was taken and is more than one new submission: a repeat, or a name that was used before.
  void accepted(Intake intake, const Appended& appended) {
    const std::string door(intake_name(intake));
    if (appended.replayed) {
      journal_.count({"repeats_absorbed", {door}});
    } else if (appended.recurrence == Recurrence::repeat) {
      journal_.count({"repeats_accepted", {door}});
    } else if (appended.recurrence == Recurrence::name_reused) {
      journal_.count({"message_names_reused", {door}});
    }
  }

 private:
  Journal& journal_;
  RefusalLog log_;
};

}  // namespace relay
