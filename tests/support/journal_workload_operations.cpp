// What operations and operators do with a journal at work, and what lanes do beside sending: counts, queries, acts and
// their record, pauses, tries whose beginning is saved, questions about what was handed over.
#include <algorithm>
#include <chrono>

#include "support/journal_workload.hpp"

namespace relay {
namespace {

using Answer = KnownSubmission::Answer;
using Kind = ActionRefusal::Kind;

// JournalOptions::keep_delivered_payload of the crash harnesses; after it there is nothing to send again.
constexpr std::chrono::hours payload_kept{24 * 3};

std::set<DeliveryState> states_taken(SubmissionAction action) {
  switch (action) {
    case SubmissionAction::retry:
      return {DeliveryState::dead_letter};
    case SubmissionAction::resend:
      return {DeliveryState::delivered};
    case SubmissionAction::set_aside:
      return {DeliveryState::queued};
    case SubmissionAction::discard:
      return {DeliveryState::queued, DeliveryState::dead_letter};
  }
  return {};
}

DeliveryState left_by(SubmissionAction action) {
  switch (action) {
    case SubmissionAction::retry:
    case SubmissionAction::resend:
      return DeliveryState::queued;
    case SubmissionAction::set_aside:
      return DeliveryState::dead_letter;
    case SubmissionAction::discard:
      return DeliveryState::discarded;
  }
  return DeliveryState::queued;
}

bool any_of(const std::set<DeliveryState>& possible, const std::set<DeliveryState>& taken) {
  return std::any_of(possible.begin(), possible.end(), [&](DeliveryState state) { return taken.contains(state); });
}

bool all_of(const std::set<DeliveryState>& possible, const std::set<DeliveryState>& taken) {
  return std::all_of(possible.begin(), possible.end(), [&](DeliveryState state) { return taken.contains(state); });
}

bool any_began(const KnownDelivery& delivery) {
  return std::any_of(delivery.started.begin(), delivery.started.end(), [](const auto& at) { return at.has_value(); });
}

bool all_began(const KnownDelivery& delivery) {
  return std::all_of(delivery.started.begin(), delivery.started.end(), [](const auto& at) { return at.has_value(); });
}

}  // namespace

// ---- Operations -----------------------------------------------------------------------------------------------------

void JournalWorkload::count() {
  const CounterName counter = below(2) ? CounterName{"submissions_refused", {"http", "payload_too_large"}}
                                       : CounterName{"repeats_absorbed", {"http"}};
  model_.counted(counter, 1);
  journal_.count(counter, 1);
}

void JournalWorkload::query() {
  if (const auto snapshot = journal_.snapshot()) {
    model_.check_snapshot(*snapshot, findings_);
  } else if (!excused_()) {
    finding("snapshot: " + snapshot.error().message);
  }
  const KnownSubmission* known = any_submission(false);
  if (!known || known->answer != Answer::acknowledged) return;
  const auto found = journal_.find(known->submission.id, false);
  if (!found) {
    if (!excused_()) finding(name_of(*known) + ": find: " + found.error().message);
    return;
  }
  if (!*found) {
    if (model_.may_be_erased(*known, clock_.wall_now())) return;
    return finding(name_of(*known) + " was acknowledged and isn't found");
  }
  for (const DeliveryView& delivery : (*found)->view.deliveries) {
    const auto of_model = known->deliveries.find(delivery.destination);
    if (of_model == known->deliveries.end() || !of_model->second.possible.contains(delivery.state)) {
      finding(name_of(*known) + " for " + delivery.destination + " is found " +
              std::string(delivery_state_name(delivery.state)));
    }
  }
}

void JournalWorkload::read_beside(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  CommitNumber last = 0;
  JournalModel::Findings found;
  while (!stop_readers_ && !dead_()) {
    const auto snapshot = journal_.snapshot();
    if (!snapshot) continue;
    if (snapshot->as_of < last) found.push_back("a reader saw the commit number go back");
    last = snapshot->as_of;
    for (const auto& [destination, totals] : snapshot->destinations) {
      if (totals.accepted != totals.delivered + totals.queued + totals.dead_letter + totals.discarded) {
        found.push_back("a reader saw totals of " + destination + " that don't add up");
      }
    }
    SubmissionQuery query;
    query.limit = 1 + random() % 20;
    (void)journal_.list(query);
    std::this_thread::yield();
  }
  std::lock_guard lock(reader_mutex_);
  reader_findings_.insert(reader_findings_.end(), found.begin(), found.end());
}

// ---- Operators ------------------------------------------------------------------------------------------------------

// Acts wait for what goes on, and the next step for them: so at most the last one's outcome is unknown.
bool JournalWorkload::all_answered() {
  wait(0);
  return !dead_();
}

// A settlement that the journal kept: an operator met the state that it leaves.
void JournalWorkload::came_to_be_saved(const std::pair<SubmissionId, std::string>& which) {
  const bool is_held = std::any_of(held_.begin(), held_.end(), [&](const Held& held) {
    return held.claim.submission.id == which.first && held.destination == which.second;
  });
  if (!is_held) taken_.erase(which);
}

void JournalWorkload::act() {
  if (!all_answered()) return;
  const KnownSubmission* chosen = any_submission(false);
  if (!chosen || chosen->answer != Answer::acknowledged) return;
  KnownSubmission& known = *model_.find(chosen->submission.id);
  const std::string& destination = known.destinations[below(static_cast<unsigned>(known.destinations.size()))];
  const auto action = static_cast<SubmissionAction>(below(4));
  KnownDelivery& delivery = known.deliveries[destination];
  const KnownDelivery before = delivery;
  KnownAct& act = model_.ask_for(std::string(submission_action_name(action)), destination);
  act.note.submission = known.submission.id;
  if (any_of(delivery.possible, states_taken(action))) {
    act.leaves_it = left_by(action);
    delivery.possible.insert(left_by(action));
    // A try that was cut off is counted when its delivery is taken away.
    if (left_by(action) != DeliveryState::queued && any_began(before)) ++delivery.attempts_most;
    delivery.started.insert(std::nullopt);
    if (action == SubmissionAction::resend) ++delivery.resends_most;
    if (action == SubmissionAction::resend) delivery.said.insert({"none", ""});
    if (action == SubmissionAction::discard) delivery.discard_reasons.insert(act.note.detail);
    if (left_by(action) != DeliveryState::queued) delivery.ended_at = std::max(delivery.ended_at, clock_.wall_now());
    known.reopened |= left_by(action) == DeliveryState::queued;
    model_.contest_names(known);
  }
  inbox_->expect();
  journal_.operator_actions().act(
      {action, known.submission.id, destination, act.note.detail, act.note.by},
      [inbox = inbox_, this, action, before, who = act.note.by.who](Result<ActionDone, ActionRefusal> result) {
        inbox->answer([this, action, before, who, result] { answered_act(action, before, who, result); });
      });
  wait(0);
}

void JournalWorkload::answered_act(SubmissionAction action, const KnownDelivery& before, const std::string& who,
                                   const Result<ActionDone, ActionRefusal>& result) {
  KnownAct& act = *model_.find_act(who);
  KnownSubmission& known = *model_.find(*act.note.submission);
  const std::string& destination = *act.note.destination;
  KnownDelivery& delivery = known.deliveries[destination];
  const auto taken = states_taken(action);
  const std::string name = name_of(known) + " for " + destination;
  const bool in_flight = taken_.contains({known.submission.id, destination});
  if (result) {
    if (!any_of(before.possible, taken)) finding(name + " was changed by " + act.note.action + " in a wrong state");
    if (in_flight && taken.contains(DeliveryState::queued)) finding(name + " was changed while it was in flight");
    if (result->changed != 1) finding(name + ": " + act.note.action + " changed " + std::to_string(result->changed));
    delivery.possible = {left_by(action)};
    if (left_by(action) != DeliveryState::queued && all_began(before)) ++delivery.attempts_least;
    delivery.started = {std::nullopt};
    came_to_be_saved({known.submission.id, destination});
    if (action == SubmissionAction::resend) {
      ++delivery.resends_least;
      delivery.said = {{"none", ""}};
    }
    act.note.changed = result->changed;
    act.answered = true;
    act.leaves_it.reset();
    return;
  }
  if (result.error().kind == Kind::journal_failing || result.error().kind == Kind::stopping) {
    // It may have been done all the same, as far as a crash shows; until then other things may happen to it.
    if (!dead_()) act.leaves_it.reset();
    if (!excused_()) finding(name + ": " + act.note.action + " was refused without a reason");
    return;
  }
  const bool gone = model_.may_be_erased(known, clock_.wall_now()) ||
                    (action == SubmissionAction::resend && clock_.wall_now() - before.ended_at >= payload_kept);
  if (all_of(before.possible, taken) && !in_flight && !gone && !excused_()) {
    finding(name + ": " + act.note.action + " was refused: " + result.error().message);
  }
  delivery = before;
  model_.forget_act(who);
}

void JournalWorkload::retry_all() {
  if (!all_answered()) return;
  clock_.advance(std::chrono::milliseconds(10));  // beyond the last try's end
  const std::string& destination = any_destination();
  KnownAct& act = model_.ask_for("retry", destination);
  for (auto& [id, known] : model_.submissions()) {
    const auto delivery = known.deliveries.find(destination);
    if (delivery == known.deliveries.end() || !delivery->second.possible.contains(DeliveryState::dead_letter)) continue;
    delivery->second.possible.insert(DeliveryState::queued);
    known.reopened = true;
  }
  inbox_->expect();
  journal_.operator_actions().act_on_all(
      {SubmissionAction::retry, destination, {}, {}, act.note.detail, act.note.by},
      [inbox = inbox_, this, who = act.note.by.who](Result<ActionDone, ActionRefusal> result) {
        inbox->answer([this, who, result] { answered_retry_all(who, result); });
      });
  wait(0);
}

void JournalWorkload::answered_retry_all(const std::string& who, const Result<ActionDone, ActionRefusal>& result) {
  KnownAct& act = *model_.find_act(who);
  if (!result) {
    if (!excused_()) finding("retry of all was refused: " + result.error().message);
    return;
  }
  std::uint64_t least = 0;
  std::uint64_t most = 0;
  for (auto& [id, known] : model_.submissions()) {
    const auto found = known.deliveries.find(*act.note.destination);
    if (found == known.deliveries.end()) continue;
    KnownDelivery& delivery = found->second;
    if (delivery.possible != std::set{DeliveryState::queued, DeliveryState::dead_letter}) continue;
    ++most;
    // One whose outcome couldn't be saved may have become a dead letter in time, or become one yet.
    if (excused_()) {
      came_to_be_saved({id, *act.note.destination});
      continue;
    }
    if (taken_.contains({id, *act.note.destination})) continue;
    ++least;
    delivery.possible = {DeliveryState::queued};
  }
  if (result->changed < least || (result->changed > most && !excused_())) {
    finding("retry of all changed " + std::to_string(result->changed) + " instead of " + std::to_string(least));
  }
  act.note.changed = result->changed;
  act.answered = result->changed > 0;
  if (result->changed == 0) model_.forget_act(who);
}

void JournalWorkload::pause_or_resume() {
  if (!all_answered()) return;
  const std::string& destination = any_destination();
  const bool pause = !model_.surely_paused(destination) && below(3) == 0;
  const std::set<bool> before = model_.paused(destination);
  KnownAct& act = model_.ask_for(pause ? "pause" : "resume", destination);
  act.note.detail.clear();
  model_.paused(destination).insert(pause);
  inbox_->expect();
  const auto answered = [inbox = inbox_, this, pause, before, destination,
                         who = act.note.by.who](Result<ActionDone, ActionRefusal> result) {
    inbox->answer([this, pause, before, destination, who, result] {
      if (!result) {
        if (!excused_()) finding(destination + " couldn't be paused or resumed: " + result.error().message);
        return;
      }
      if (before.size() == 1 && result->changed != before.count(!pause)) {
        finding(destination + ": pause or resume changed " + std::to_string(result->changed));
      }
      model_.paused(destination) = {pause};
      KnownAct& done = *model_.find_act(who);
      done.note.changed = result->changed;
      done.answered = true;
      if (pause && result->changed == 0) model_.forget_act(who);
    });
  };
  if (pause) {
    journal_.operator_actions().pause(destination, act.note.by, answered);
  } else {
    journal_.operator_actions().resume(destination, act.note.by, answered);
  }
  wait(0);
}

// ---- Lanes that can ask ---------------------------------------------------------------------------------------------

void JournalWorkload::begin_attempt() {
  if (held_.empty() || !all_answered()) return;
  const Held& held = held_[below(static_cast<unsigned>(held_.size()))];
  const SubmissionId id = held.claim.submission.id;
  KnownSubmission* known = model_.find(id);
  if (!known) return;
  const WallTime now = clock_.wall_now();
  known->deliveries[held.destination].started.insert(now);
  inbox_->expect();
  journal_.begin_attempt(
      held.claim.token, {now, below(4) == 0},
      [inbox = inbox_, this, id, destination = held.destination, now](Result<void, SettleRefusal> result) {
        inbox->answer([this, id, destination, now, result] {
          KnownSubmission& submission = *model_.find(id);
          if (result) {
            submission.deliveries[destination].started = {now};
          } else if (!excused_()) {
            finding(name_of(submission) + ": the start of its try was refused without a reason");
          }
        });
      });
  wait(0);
}

void JournalWorkload::ask() {
  if (!all_answered()) return;
  const std::string& destination = any_destination();
  for (const FollowUp& due : journal_.due_follow_ups(destination, 1 + below(3))) {
    if (!all_answered()) return;
    KnownSubmission* known = model_.find(due.submission.id);
    if (!known || !known->deliveries.contains(destination)) {
      finding(due.submission.id.text() + " is to be asked about and never was to go to " + destination);
      continue;
    }
    KnownDelivery& delivery = known->deliveries[destination];
    if (std::none_of(delivery.said.begin(), delivery.said.end(), [](const auto& s) { return s.first == "pending"; })) {
      finding(name_of(*known) + " is to be asked about and isn't pending");
    }
    FollowUpNews news{due.submission.id, due.delivered_at, static_cast<Confirmation>(1 + below(3)), "", {}};
    news.overall_status = news.confirmation == Confirmation::pending ? "Received" : "Delivered";
    if (news.confirmation == Confirmation::pending) {
      news.ask_again_at = clock_.wall_now() + std::chrono::seconds(below(300));
    }
    const std::pair said(std::string(confirmation_name(news.confirmation)), news.overall_status);
    delivery.said.insert(said);
    inbox_->expect();
    journal_.settle_follow_up(destination, std::move(news),
                              [inbox = inbox_, this, id = due.submission.id, destination, said](bool saved) {
                                inbox->answer([this, id, destination, said, saved] {
                                  if (saved) {
                                    model_.find(id)->deliveries[destination].said = {said};
                                  } else if (!excused_()) {
                                    finding("what was said of " + id.text() + " wasn't saved, without a reason");
                                  }
                                });
                              });
    wait(0);
  }
}

}  // namespace relay
