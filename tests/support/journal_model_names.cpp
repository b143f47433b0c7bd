// JournalModel, of what makes a repeat: idempotency keys, what MLLP senders call their messages, and marks that may be
// used once.
#include <algorithm>
#include <chrono>
#include <future>
#include <iterator>

#include "journal/use_once.hpp"
#include "support/journal_model.hpp"

namespace relay {
namespace {

using Answer = KnownSubmission::Answer;

// It may have ended without being delivered.
bool given_up(const KnownSubmission& known) {
  return std::any_of(known.deliveries.begin(), known.deliveries.end(), [](const auto& delivery) {
    return delivery.second.possible.contains(DeliveryState::dead_letter) ||
           delivery.second.possible.contains(DeliveryState::discarded);
  });
}

}  // namespace

bool JournalModel::must_hold_key(const KnownSubmission& known, WallTime now) const {
  constexpr auto kept = std::chrono::hours(24 * 7);  // JournalOptions::keep_idempotency
  if (!known.key || !known.holds_names || given_up(known)) return false;
  // While a settlement is unanswered it may have ended.
  const bool open = std::any_of(known.deliveries.begin(), known.deliveries.end(), [](const auto& delivery) {
    return delivery.second.possible == std::set<DeliveryState>{DeliveryState::queued};
  });
  // One that was open again only later may have lost its key in between.
  return (open && !known.reopened) || now - known.submission.accepted_at < kept;
}

bool JournalModel::must_hold_name(const KnownSubmission& known, WallTime now) const {
  return known.message_name && known.holds_names && !given_up(known) &&
         now - known.submission.accepted_at < known.message_name->window;
}

bool JournalModel::share_a_name(const KnownSubmission& a, const KnownSubmission& b) {
  if (a.submission.id == b.submission.id) return false;
  return (a.key && a.key == b.key) ||
         (a.message_name && b.message_name && a.message_name->text == b.message_name->text);
}

void JournalModel::contest_names(KnownSubmission& known) {
  const bool known_given_up = given_up(known);
  for (auto& [id, other] : submissions_) {
    if (other.answer == Answer::refused || !share_a_name(known, other)) continue;
    if (known_given_up) known.holds_names = false;
    if (given_up(other) || (known.message_name && !known.message_name->absorb)) other.holds_names = false;
  }
}

void JournalModel::check_one_of_each_key(WallTime now, Findings& findings) {
  std::map<std::string, unsigned> holders;
  for (const auto& [id, known] : submissions_) {
    if (must_hold_key(known, now) && ++holders[*known.key] == 2) {
      findings.push_back(name_of(known) + " is there twice, under one idempotency key");
    }
  }
}

void JournalModel::check_keys(Journal& journal, const Clock& clock, Findings& findings) {
  std::vector<SubmissionId> holders;
  for (const auto& [id, known] : submissions_) {
    if (must_hold_key(known, clock.wall_now()) || must_hold_name(known, clock.wall_now())) holders.push_back(id);
  }
  std::shuffle(holders.begin(), holders.end(), random_);
  holders.resize(std::min<std::size_t>(holders.size(), 3));
  for (const SubmissionId& holder : holders) {
    KnownSubmission& again = invent(clock, 0, find(holder));
    if (again.message_name) again.message_name->absorb = true;
    if (again.submission.size > inline_payload_limit) {
      submissions_.erase(again.submission.id);
      continue;
    }
    auto answered = std::make_shared<std::promise<Result<Appended, AppendRefusal>>>();
    auto answer = answered->get_future();
    journal.append({again.submission,
                    again.destinations,
                    again.key,
                    payload(again.payload_seed, again.submission.size.value),
                    {},
                    again.message_name},
                   [answered](auto result) { answered->set_value(std::move(result)); });
    const auto result = answer.get();
    if (!result || !result->replayed || result->view.submission.id != holder) {
      findings.push_back(name_of(again) + " wasn't taken for the repeat of " + holder.text() + " that it is");
      if (result && !result->replayed) continue;
    } else {
      KnownSubmission& known = *find(holder);
      known.repeats_least = ++known.repeats_most;
      happened_.named_repeats += known.message_name.has_value();
    }
    submissions_.erase(again.submission.id);
  }
}

bool KnownMark::must_be_held(WallTime now) const {
  return std::all_of(until.begin(), until.end(), [&](const auto& each) { return holds(each, now); });
}

void KnownMark::may_be_held_until(WallTime later, WallTime now) {
  if (!must_be_held(now)) until.insert(later);
}

void KnownMark::answered(bool first, WallTime later, WallTime now, std::vector<std::string>& findings) {
  if (first && must_be_held(now)) findings.push_back("a mark was used twice");
  if (first) {
    until = {later};
    return;
  }
  std::erase_if(until, [&](const auto& each) { return !holds(each, now); });
  if (until.empty()) findings.push_back("a mark was called used that never was, or whose time is over");
  if (until.empty()) until = {std::nullopt};
}

std::pair<const std::string, KnownMark>& JournalModel::any_mark(bool used_before) {
  if (!used_before || marks_.empty()) {
    return *marks_.emplace("lab.one\njti " + std::to_string(random_()), KnownMark{}).first;
  }
  return *std::next(marks_.begin(), static_cast<std::ptrdiff_t>(random_() % marks_.size()));
}

void JournalModel::check_marks(Journal& journal, const Clock& clock, Findings& findings) {
  constexpr std::uint64_t most = 3;
  const WallTime now = clock.wall_now();
  std::uint64_t asked = 0;
  for (auto& [text, known] : marks_) {
    if (asked == most) break;
    const bool held = known.must_be_held(now);
    if (!held && random_() % 4 != 0) continue;
    ++asked;
    const WallTime later = now + std::chrono::hours(1);
    std::promise<Result<bool, AppendRefusal>> answer;
    use_once_of(journal).use_once(text, later, [&answer](auto first) { answer.set_value(std::move(first)); });
    const auto first = answer.get_future().get();
    if (!first) {
      findings.push_back("a mark couldn't be used");
      continue;
    }
    known.answered(*first, later, now, findings);
    happened_.marks += held;
  }
}

}  // namespace relay
