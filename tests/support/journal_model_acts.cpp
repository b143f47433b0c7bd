// JournalModel, of what comes later to what was submitted: operators' acts and their record, pauses, and what
// destinations said afterwards.
#include <algorithm>

#include "support/journal_model.hpp"

namespace relay {

JournalModel::Happened& JournalModel::Happened::operator+=(const Happened& more) {
  acts += more.acts;
  confirmations += more.confirmations;
  interrupted += more.interrupted;
  named_repeats += more.named_repeats;
  paused += more.paused;
  marks += more.marks;
  turns += more.turns;
  return *this;
}

bool JournalModel::Happened::anything_missing() const {
  return acts == 0 || confirmations == 0 || interrupted == 0 || named_repeats == 0 || paused == 0 || marks == 0 ||
         turns == 0;
}

KnownAct& JournalModel::ask_for(std::string action, std::string destination) {
  const std::string number = std::to_string(random_());
  KnownAct act;
  act.note.action = std::move(action);
  act.note.by = {"operator " + number, "socket"};
  act.note.destination = std::move(destination);
  act.note.detail = "reason " + number;
  return acts_[act.note.by.who] = std::move(act);
}

KnownAct* JournalModel::find_act(const std::string& who) {
  const auto found = acts_.find(who);
  return found == acts_.end() ? nullptr : &found->second;
}

void JournalModel::check_pauses(Journal& journal, Findings& findings) {
  const auto snapshot = journal.snapshot();
  if (!snapshot) return findings.push_back("snapshot: " + snapshot.error().message);
  for (auto& [destination, possible] : paused_) {
    const auto totals = snapshot->destinations.find(destination);
    if (totals == snapshot->destinations.end()) continue;  // check_totals says so
    const bool is_paused = totals->second.paused;
    if (!possible.contains(is_paused)) findings.push_back(destination + (is_paused ? " is paused" : " isn't paused"));
    possible = {is_paused};
    happened_.paused += is_paused;
  }
}

// After the deliveries, whose states are certain by then.
void JournalModel::check_act(const AuditEntry& entry, KnownAct& act, Findings& findings) {
  const std::string name = "the audit of " + act.note.action + " by " + act.note.by.who;
  if (entry.note.action != act.note.action || entry.note.by.from != act.note.by.from ||
      entry.note.submission != act.note.submission || entry.note.destination != act.note.destination ||
      entry.note.detail != act.note.detail) {
    findings.push_back(name + " isn't what was asked for");
  }
  if (act.answered && entry.note.changed != act.note.changed) {
    findings.push_back(name + " says " + std::to_string(entry.note.changed) + " changed instead of " +
                       std::to_string(act.note.changed));
  }
  act.note.changed = entry.note.changed;
  act.answered = true;
}

void JournalModel::check_audit(Journal& journal, Findings& findings) {
  std::set<std::string> there;
  AuditQuery query;
  query.limit = 50;
  for (;;) {
    const auto page = journal.operator_actions().audit(query);
    if (!page) return findings.push_back("audit: " + page.error().message);
    for (const AuditEntry& entry : page->entries) {
      const auto act = acts_.find(entry.note.by.who);
      if (act == acts_.end()) {
        findings.push_back("the audit of " + entry.note.action + " by " + entry.note.by.who + " was invented");
        continue;
      }
      if (!there.insert(act->first).second) findings.push_back("the audit has " + act->first + " twice");
      check_act(entry, act->second, findings);
    }
    if (!page->next_cursor) break;
    query.cursor = page->next_cursor;
  }
  for (auto& [who, act] : acts_) {
    const bool is_there = there.contains(who);
    if (act.answered && !is_there) findings.push_back("LOST the audit of " + act.note.action + " by " + who);
    if (!act.leaves_it) continue;
    const KnownSubmission* known = find(*act.note.submission);
    if (known && known->deliveries.at(*act.note.destination).surely(*act.leaves_it) != is_there) {
      findings.push_back("the " + act.note.action + " of " + name_of(*known) + " and its audit don't go together");
    }
    act.leaves_it.reset();  // what comes later changes it again
  }
  std::erase_if(acts_, [&](const auto& act) { return !there.contains(act.first); });
  happened_.acts += there.size();
}

void JournalModel::check_later_news(const DeliveryView& view, KnownDelivery& known, const std::string& which,
                                    Findings& findings) {
  const std::pair said(view.confirmation, view.overall_status);
  if (!known.said.contains(said)) {
    findings.push_back(which + " has the confirmation " + view.confirmation + " \"" + view.overall_status +
                       "\" instead of " + known.said.begin()->first + " \"" + known.said.begin()->second + "\"" +
                       (known.said.size() > 1 ? ", or another" : ""));
  }
  known.said = {said};
  happened_.confirmations += view.confirmation == "confirmed" || view.confirmation == "failed";
  if (view.resends < known.resends_least || view.resends > known.resends_most) {
    findings.push_back(which + " has " + std::to_string(view.resends) + " resends instead of " +
                       std::to_string(known.resends_least) + " to " + std::to_string(known.resends_most));
  }
  known.resends_least = known.resends_most = view.resends;
  const bool discarded = view.state == DeliveryState::discarded;
  if (discarded && (!view.discard_reason || !known.discard_reasons.contains(*view.discard_reason))) {
    findings.push_back(which + " was discarded, and for another reason");
  }
  if (!discarded && view.discard_reason) findings.push_back(which + " has a reason for what didn't happen to it");
}

void JournalModel::check_follow_ups(Journal& journal, const Clock& clock, Findings& findings) {
  for (const std::string& destination : destinations_) {
    std::set<SubmissionId> due;
    for (const FollowUp& each : journal.due_follow_ups(destination, submissions_.size() + 1)) {
      due.insert(each.submission.id);
    }
    for (const auto& [id, known] : submissions_) {
      const auto delivery = known.deliveries.find(destination);
      if (delivery == known.deliveries.end()) continue;
      const bool pending = delivery->second.said.begin()->first == "pending";
      if (pending == (due.erase(id) > 0) || may_be_erased(known, clock.wall_now())) continue;
      findings.push_back(name_of(known) + " for " + destination +
                         (pending ? " is pending, and nobody will ask" : " is to be asked about and isn't pending"));
    }
    if (!due.empty()) findings.push_back(due.begin()->text() + " is to be asked about and was never submitted");
  }
}

}  // namespace relay
