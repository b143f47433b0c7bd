#include "support/crash_gate.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <future>
#include <stdexcept>

#include "journal/verify.hpp"

namespace relay {
namespace {

void check_verify(const JournalOptions& options, const std::string& when, JournalModel::Findings& findings) {
  const auto report =
      verify_journal(options.path, options.vfs, [](const VerifyFinding&) {}, {options.encryption_keys, ""});
  if (!report) {
    findings.push_back("verify " + when + ": " + report.error().message);
    return;
  }
  for (const VerifyFinding& finding : report->findings) {
    findings.push_back("verify " + when + ": " + finding.code + " " + finding.submission + " " + finding.text);
  }
  for (const std::string& what : report->not_checked) {
    findings.push_back("verify " + when + ": not checked: " + what);
  }
}

// What is paused stays so until somebody resumes it.
void resume_all(Journal& journal, JournalModel& model, JournalModel::Findings& findings) {
  for (const std::string& destination : model.destinations()) {
    if (!model.surely_paused(destination)) continue;
    if (!journal.claim(destination, 1).empty()) findings.push_back(destination + " is paused, and claimed of");
    KnownAct& act = model.ask_for("resume", destination);
    act.note.detail.clear();
    std::promise<bool> resumed;
    journal.operator_actions().resume(destination, act.note.by,
                                      [&resumed](const auto& result) { resumed.set_value(result.ok()); });
    if (!resumed.get_future().get()) findings.push_back(destination + " couldn't be resumed");
    model.paused(destination) = {false};
  }
}

// Every delivery that is queued can be claimed, once, and be settled.
void drain(Journal& journal, JournalModel& model, SteppedClock& clock, JournalModel::Findings& findings) {
  resume_all(journal, model, findings);
  clock.advance(std::chrono::minutes(10));  // beyond every not_before and follow-up
  model.check_follow_ups(journal, clock, findings);
  for (const std::string& destination : model.destinations()) {
    for (;;) {
      const auto claims = journal.claim(destination, 16);
      if (claims.empty()) break;
      for (const Claim& claim : claims) {
        model.check_claim(destination, claim, findings);
        Settlement settlement;
        settlement.kind = Settlement::Kind::delivered;
        settlement.attempt.outcome = Outcome::accepted;
        settlement.attempt.started_at = settlement.attempt.ended_at = clock.wall_now();
        auto settled = std::make_shared<std::promise<bool>>();
        auto answer = settled->get_future();
        journal.settle(claim.token, std::move(settlement), [settled](auto result) { settled->set_value(result.ok()); });
        if (!answer.get()) findings.push_back(claim.submission.id.text() + " couldn't be settled");
        if (KnownSubmission* known = model.find(claim.submission.id)) {
          KnownDelivery& delivery = known->deliveries[destination];
          delivery.possible = {DeliveryState::delivered};
          delivery.ended_at = clock.wall_now();
          delivery.attempts_most = delivery.attempts_least = claim.attempts + 1;
          delivery.started = {std::nullopt};
          delivery.said = {{"none", ""}};
        }
      }
    }
  }
  const auto snapshot = journal.snapshot();
  if (!snapshot) return findings.push_back("snapshot: " + snapshot.error().message);
  for (const auto& [destination, totals] : snapshot->destinations) {
    if (totals.queued != 0) {
      findings.push_back(std::to_string(totals.queued) + " queued at " + destination + " that nobody can claim");
    }
  }
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  // In memory where there is such a place: the lock file's syncs are real.
  const std::filesystem::path memory("/dev/shm");
  const auto parent = std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
  std::string name = (parent / "relay-journal-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw std::runtime_error("can't make a temporary folder");
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

JournalOptions crash_journal_options(const std::filesystem::path& folder, const std::string& vfs,
                                     const JournalModel& model) {
  JournalOptions options;
  options.path = (folder / "journal.db").string();
  options.min_free_disk = {0};
  options.allow_tmpfs = true;
  options.keep_delivered_payload = std::chrono::hours(24 * 3);
  options.keep_record = model.keep_record();
  options.destinations = model.destinations();
  options.vfs = vfs;
  return options;
}

void pass_gate(const JournalOptions& options, JournalModel& model, SteppedClock& clock, std::mt19937_64& random,
               const GateOptions& gate, JournalModel::Findings& findings) {
  // Before anything was acknowledged there may be no journal yet.
  const bool begun = std::any_of(model.submissions().begin(), model.submissions().end(), [](const auto& known) {
    return known.second.answer == KnownSubmission::Answer::acknowledged;
  });
  if (begun && !gate.older && random() % 4 == 0) check_verify(options, "of the stopped journal", findings);
  auto opened = open_journal(options, clock);
  if (!opened) {
    findings.push_back("doesn't open: " + opened.error().message);
    return;
  }
  Journal& journal = **opened;
  model.check_reopened(journal, clock, gate.exact, findings);
  check_verify(options, "beside the running journal", findings);
  model.check_keys(journal, clock, findings);
  model.check_marks(journal, clock, findings);
  if (gate.drain) drain(journal, model, clock, findings);
  if (gate.before_close) gate.before_close();
  journal.close();
}

}  // namespace relay
