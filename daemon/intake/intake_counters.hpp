// What the doors count: refusals by reason and repeats, in the journal's counters, so that totals survive a restart.
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
  void repeat_absorbed(Intake intake) { journal_.count({"repeats_absorbed", {std::string(intake_name(intake))}}); }

 private:
  Journal& journal_;
  RefusalLog log_;
};

}  // namespace relay
