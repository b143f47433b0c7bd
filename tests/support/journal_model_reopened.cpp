// JournalModel held against a journal that was opened again.
#include <algorithm>

#include "support/journal_model.hpp"

namespace relay {
namespace {

using Answer = KnownSubmission::Answer;

}  // namespace

std::set<SubmissionId> JournalModel::listed(Journal& journal, Findings& findings) {
  std::set<SubmissionId> ids;
  SubmissionQuery query;
  query.limit = 50;
  for (int page_number = 0; page_number < 10'000; ++page_number) {
    const auto page = journal.list(query);
    if (!page) {
      findings.push_back("list: " + page.error().message);
      return ids;
    }
    for (const SubmissionView& view : page->submissions) {
      if (!ids.insert(view.submission.id).second) findings.push_back(view.submission.id.text() + " is listed twice");
      if (!find(view.submission.id)) findings.push_back(view.submission.id.text() + " was invented");
    }
    if (!page->next_cursor) return ids;
    query.cursor = page->next_cursor;
  }
  findings.push_back("list doesn't come to an end");
  return ids;
}

void JournalModel::check_delivery(const DeliveryView& view, KnownDelivery& known, const std::string& name,
                                  Findings& findings) {
  const std::string which = name + " for " + view.destination;
  if (!known.possible.contains(view.state)) {
    findings.push_back(which + " is " + std::string(delivery_state_name(view.state)) + " instead of " +
                       words_of(known.possible));
  }
  if (view.attempts < known.attempts_least || view.attempts > known.attempts_most) {
    findings.push_back(which + " has " + std::to_string(view.attempts) + " attempts instead of " +
                       std::to_string(known.attempts_least) + " to " + std::to_string(known.attempts_most));
  }
  unsigned counted = 0;
  unsigned accepted = 0;
  unsigned refused = 0;
  unsigned last = 0;
  for (const AttemptRecord& attempt : view.history) {
    if (attempt.number <= last) findings.push_back(which + ": its history isn't in order");
    last = attempt.number;
    counted += attempt.counted;
    accepted += attempt.outcome == Outcome::accepted;
    // Set aside by hand is no try.
    refused += attempt.outcome == Outcome::refused && attempt.counted;
  }
  if (counted != view.attempts) {
    findings.push_back(which + " says " + std::to_string(view.attempts) + " attempts and has " +
                       std::to_string(counted) + " in its history");
  }
  check_later_news(view, known, which, findings);
  known.possible = {view.state};
  known.attempts_least = known.attempts_most = view.attempts;
  known.accepted_tries = accepted;
  known.refused_tries = refused;
}

void JournalModel::check_payload(Journal& journal, const KnownSubmission& known, const Clock& clock,
                                 Findings& findings) {
  const auto source = journal.payload_of(known.submission.id);
  if (!source) {
    if (may_be_erased(known, clock.wall_now())) return;  // since it was found
    findings.push_back(name_of(known) + ": payload: " + source.error().message);
    return;
  }
  std::string bytes;
  for (;;) {
    auto piece = (*source)->read(bytes.size(), 100'000);
    if (!piece) {
      const bool over = std::all_of(known.deliveries.begin(), known.deliveries.end(), [](const auto& delivery) {
        return delivery.second.surely(DeliveryState::delivered) || delivery.second.surely(DeliveryState::discarded);
      });
      if (piece.error().failure == PayloadFailure::erased && over) return;
      findings.push_back(name_of(known) + ": payload: " + piece.error().message);
      return;
    }
    if (piece->empty()) break;
    bytes += *piece;
  }
  if (bytes != payload(known.payload_seed, known.submission.size.value)) {
    findings.push_back(name_of(known) + " has other bytes than were submitted");
  }
}

// True where the journal has it.
bool JournalModel::check_submission(Journal& journal, KnownSubmission& known, const Clock& clock, Findings& findings) {
  const auto answer = journal.find(known.submission.id, true);
  if (!answer) {
    findings.push_back(name_of(known) + ": find: " + answer.error().message);
    return true;
  }
  if (!*answer) {
    if (known.answer == Answer::acknowledged) {
      if (may_be_erased(known, clock.wall_now())) {
        count_erased(known);
      } else {
        findings.push_back("LOST: " + name_of(known) + " was acknowledged");
      }
    }
    return false;
  }
  if (known.answer == Answer::refused) findings.push_back(name_of(known) + " is there although it was refused");
  const SubmissionView& view = (*answer)->view;
  const Submission& a = view.submission;
  const Submission& b = known.submission;
  if (a.client != b.client || a.content_type != b.content_type || a.size != b.size || a.sha256 != b.sha256 ||
      a.content_type_parameters != b.content_type_parameters || a.payload_name != b.payload_name ||
      a.intake != b.intake || a.accepted_at != b.accepted_at || a.query_parameters != b.query_parameters) {
    findings.push_back(name_of(known) + " has other metadata than it was submitted with");
  }
  if (view.repeats < known.repeats_least || view.repeats > known.repeats_most) {
    findings.push_back(name_of(known) + " has " + std::to_string(view.repeats) + " repeats instead of " +
                       std::to_string(known.repeats_least) + " to " + std::to_string(known.repeats_most));
  }
  known.repeats_least = known.repeats_most = view.repeats;
  if (view.deliveries.size() != known.destinations.size()) {
    findings.push_back(name_of(known) + " has " + std::to_string(view.deliveries.size()) + " deliveries instead of " +
                       std::to_string(known.destinations.size()));
    return true;
  }
  for (std::size_t i = 0; i < view.deliveries.size(); ++i) {
    if (view.deliveries[i].destination != known.destinations[i]) {
      findings.push_back(name_of(known) + ": its deliveries aren't in the order of its route");
    } else {
      check_delivery(view.deliveries[i], known.deliveries[known.destinations[i]], name_of(known), findings);
    }
  }
  check_payload(journal, known, clock, findings);
  return true;
}

void JournalModel::check_totals(Journal& journal, bool exact, Findings& findings) {
  const auto snapshot = journal.snapshot();
  if (!snapshot) {
    findings.push_back("snapshot: " + snapshot.error().message);
    return;
  }
  check_snapshot(*snapshot, findings);
  std::map<std::string, DestinationTotals> ours;
  std::map<Intake, std::uint64_t> by_intake = erased_by_intake_;
  for (auto& [id, known] : submissions_) {
    ++by_intake[known.submission.intake];
    for (auto& [destination, delivery] : known.deliveries) {
      DestinationTotals& totals = ours[destination];
      ++totals.accepted;
      const DeliveryState state = *delivery.possible.begin();
      totals.queued += state == DeliveryState::queued;
      totals.delivered += state == DeliveryState::delivered;
      totals.dead_letter += state == DeliveryState::dead_letter;
      totals.discarded += state == DeliveryState::discarded;
      totals.attempts[Outcome::accepted] += delivery.accepted_tries;
      totals.attempts[Outcome::refused] += delivery.refused_tries;
    }
  }
  for (const std::string& destination : destinations_) {
    const auto found = snapshot->destinations.find(destination);
    if (found == snapshot->destinations.end()) {
      findings.push_back("no totals for " + destination);
      continue;
    }
    const DestinationTotals& totals = found->second;
    DestinationTotals& wanted = ours[destination];
    DestinationTotals& erased = erased_totals_[destination];
    const auto compare = [&](const char* what, std::uint64_t has, std::uint64_t wants) {
      if (has == wants) return;
      findings.push_back("totals of " + destination + ": " + what + " is " + std::to_string(has) + ", counted " +
                         std::to_string(wants));
    };
    compare("accepted", totals.accepted, wanted.accepted + erased.accepted);
    compare("queued", totals.queued, wanted.queued);
    compare("delivered", totals.delivered, wanted.delivered + erased.delivered);
    compare("dead_letter", totals.dead_letter, wanted.dead_letter);
    compare("discarded", totals.discarded, wanted.discarded + erased.discarded);
    const auto attempts = [&totals](Outcome outcome) {
      const auto of = totals.attempts.find(outcome);
      return of == totals.attempts.end() ? 0 : of->second;
    };
    for (const Outcome outcome : {Outcome::accepted, Outcome::refused}) {
      compare(outcome == Outcome::accepted ? "attempts accepted" : "attempts refused", attempts(outcome),
              wanted.attempts[outcome] + erased.attempts[outcome]);
    }
  }
  for (const auto& [intake, number] : by_intake) {
    const auto found = snapshot->accepted_by_intake.find(intake);
    const std::uint64_t has = found == snapshot->accepted_by_intake.end() ? 0 : found->second;
    if (has != number) {
      findings.push_back("accepted by " + std::string(intake_name(intake)) + " is " + std::to_string(has) +
                         ", counted " + std::to_string(number));
    }
  }
  for (auto& [counter, number] : counters_) {
    const auto found = snapshot->counters.find(counter);
    const std::uint64_t has = found == snapshot->counters.end() ? 0 : found->second;
    if (has > number || has < counters_seen_[counter] || (exact && has != number)) {
      findings.push_back("counter " + counter.name + " is " + std::to_string(has) + ", counted " +
                         std::to_string(number) + ", seen before " + std::to_string(counters_seen_[counter]));
    }
    number = has;
    counters_seen_[counter] = has;
  }
}

// After the submissions: a note came with its submission or not at all, and stays until it is ended.
void JournalModel::check_notes(Journal& journal, Findings& findings) {
  const auto pending = journal.pending_moves();
  if (!pending) return findings.push_back("pending moves can't be read: " + pending.error().message);
  std::set<SubmissionId> there;
  for (const PendingMove& move : *pending) {
    there.insert(move.id);
    const auto known = notes_.find(move.id);
    if (known == notes_.end()) {
      findings.push_back("the note of " + move.id.text() + " was invented");
    } else if (known->second.text != move.note) {
      findings.push_back("the note of " + move.id.text() + " isn't the one it came with");
    }
  }
  for (const auto& [id, note] : notes_) {
    if (!note.ended && find(id) != nullptr && !there.contains(id)) findings.push_back("LOST the note of " + id.text());
  }
  std::erase_if(notes_, [&](const auto& note) { return !there.contains(note.first); });
}

void JournalModel::check_reopened(Journal& journal, const Clock& clock, bool exact, Findings& findings) {
  const std::set<SubmissionId> ids = listed(journal, findings);
  for (auto at = submissions_.begin(); at != submissions_.end();) {
    const bool there = check_submission(journal, at->second, clock, findings);
    const bool erased_meanwhile = !there && may_be_erased(at->second, clock.wall_now());
    if (there != ids.contains(at->first) && !erased_meanwhile)
      findings.push_back(name_of(at->second) + ": list and find don't agree");
    if (there) {
      at->second.answer = Answer::acknowledged;
      if (at->second.known_to_be_there == 0) at->second.known_to_be_there = count_event();
      ++at;
    } else {
      at = submissions_.erase(at);  // if it comes back it counts as invented
    }
  }
  check_notes(journal, findings);
  check_pauses(journal, findings);
  check_audit(journal, findings);
  check_totals(journal, exact, findings);
  check_one_of_each_key(clock.wall_now(), findings);
}

}  // namespace relay
