#include "forwarder/follow_up_rounds.hpp"

#include <algorithm>

#include "base/log.hpp"

namespace relay {

using std::chrono::milliseconds;

FollowUpRounds::FollowUpRounds(Journal& journal, const DestinationSettings& settings, Destination& destination,
                               std::shared_ptr<LaneMailbox> mailbox, Jitter jitter)
    : journal_(journal),
      settings_(settings),
      destination_(destination),
      mailbox_(std::move(mailbox)),
      jitter_(std::move(jitter)),
      first_wait_(std::max<milliseconds>(settings.backoff.initial * 5, milliseconds(50))),
      longest_wait_(std::max(settings.backoff.max * 12, first_wait_)) {}

milliseconds FollowUpRounds::wait_for(milliseconds age) const {
  return std::clamp(age, first_wait_, longest_wait_);
}

std::optional<WallTime> FollowUpRounds::first_ask(WallTime now) const {
  if (!destination_.follows_up()) return std::nullopt;
  return now + first_wait_;
}

void FollowUpRounds::delivered(WallTime first_ask) {
  if (!next_due_ || first_ask < *next_due_) next_due_ = first_ask;
}

void FollowUpRounds::ask(Moment now) {
  if (!destination_.follows_up() || now.monotonic < away_until_ || unanswered_ >= asked_at_once) return;
  if (next_due_ && *next_due_ <= now.wall) look_ = true;
  if (!look_) return;
  // Those whose answer isn't saved yet are still due in the journal.
  const std::size_t wanted = asked_.size() + asked_at_once - unanswered_;
  auto due = journal_.due_follow_ups(settings_.name, wanted);
  look_ = due.size() == wanted;
  for (FollowUp& one : due) {
    if (unanswered_ >= asked_at_once) break;
    if (!asked_.emplace(one.submission.id, one.delivered_at).second) continue;
    ++unanswered_;
    destination_.follow_up(std::move(one));
  }
  if (look_) return;
  next_due_ = journal_.next_follow_up(settings_.name);
  // What is due already has been asked about: its answer will look again.
  if (next_due_ && *next_due_ <= now.wall) next_due_.reset();
}

void FollowUpRounds::take_answers(Moment now) {
  for (const FollowUpAnswer& answer : destination_.take_follow_ups()) {
    const auto asked = asked_.find(answer.id);
    if (asked == asked_.end()) continue;
    --unanswered_;
    if (answer.error)
      log_debug("a destination couldn't say what became of a submission: " + answer.error->message,
                {{"submission", answer.id}, {"destination", settings_.name}});
    if (answer.destination_away) {
      const milliseconds wait = std::max(backoff_delay(settings_.backoff, away_++, jitter_), first_wait_);
      away_until_ = now.monotonic + wait;
      asked_.erase(asked);
      look_ = true;
      continue;
    }
    away_ = 0;
    save(answer, asked->second, now);
  }
}

void FollowUpRounds::save(const FollowUpAnswer& answer, WallTime delivered_at, Moment now) {
  FollowUpNews news;
  news.id = answer.id;
  news.delivered_at = delivered_at;
  news.confirmation = answer.confirmation.value_or(Confirmation::pending);
  news.overall_status = answer.overall_status;
  const auto age = std::max(now.wall - delivered_at, milliseconds(0));
  if (news.confirmation == Confirmation::pending && age < asks_for) news.ask_again_at = now.wall + wait_for(age);
  journal_.settle_follow_up(settings_.name, std::move(news),
                            [mailbox = mailbox_, id = answer.id](bool) { mailbox->follow_up_saved(id); });
}

// Also where it couldn't be saved: it is due still, and asked again.
void FollowUpRounds::saved(const SubmissionId& id, Moment) {
  asked_.erase(id);
  look_ = true;
}

std::optional<MonotonicTime> FollowUpRounds::next_turn(Moment now) const {
  if (!destination_.follows_up() || unanswered_ >= asked_at_once) return std::nullopt;
  if (look_) return std::max(now.monotonic, away_until_);
  if (!next_due_) return std::nullopt;
  return std::max(now.monotonic + (*next_due_ - now.wall), away_until_);
}

}  // namespace relay
