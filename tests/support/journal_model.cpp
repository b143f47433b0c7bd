#include "support/journal_model.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace relay {
namespace {

// UUID version 7 from the test's own clock, counter and generator, so that a seed repeats it.
SubmissionId next_id(WallTime now, std::uint32_t counter, std::mt19937_64& random) {
  SubmissionId id;
  const auto milliseconds = static_cast<std::uint64_t>(now.time_since_epoch().count());
  for (std::size_t i = 0; i < 6; ++i) id.bytes[i] = static_cast<std::uint8_t>(milliseconds >> (40 - 8 * i));
  id.bytes[6] = static_cast<std::uint8_t>(0x70 | (counter >> 8 & 0x0f));
  id.bytes[7] = static_cast<std::uint8_t>(counter);
  for (std::size_t i = 8; i < 16; ++i) id.bytes[i] = static_cast<std::uint8_t>(random());
  id.bytes[8] = static_cast<std::uint8_t>(0x80 | (id.bytes[8] & 0x3f));
  return id;
}

bool equal(const DestinationTotals& a, const DestinationTotals& b) {
  return a.accepted == b.accepted && a.delivered == b.delivered && a.queued == b.queued &&
         a.dead_letter == b.dead_letter && a.discarded == b.discarded && a.attempts == b.attempts;
}

}  // namespace

std::string words_of(const std::set<DeliveryState>& states) {
  std::string words;
  for (const DeliveryState state : states) {
    if (!words.empty()) words += " or ";
    words += delivery_state_name(state);
  }
  return words;
}

std::string name_of(const KnownSubmission& known) {
  return known.submission.id.text() + " (" + std::to_string(known.submission.size.value) + " bytes)";
}

std::string JournalModel::payload(std::uint64_t seed, std::size_t size) {
  std::mt19937_64 random(seed);
  std::string bytes(size, '\0');
  for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
    const std::uint64_t word = random();
    std::memcpy(bytes.data() + at, &word, std::min(sizeof word, size - at));
  }
  return bytes;
}

KnownSubmission& JournalModel::invent(const Clock& clock, std::size_t size, const KnownSubmission* like) {
  KnownSubmission known;
  if (like) {
    known.submission = like->submission;
    known.payload_seed = like->payload_seed;
    known.destinations = like->destinations;
    known.key = like->key;
    known.message_name = like->message_name;
  } else {
    static constexpr std::array clients = {"lab.one", "lab.two", "lab.three", "lab.four"};
    known.payload_seed = random_();
    known.submission.client = clients[random_() % clients.size()];
    known.submission.content_type = random_() % 2 ? "application/hl7-v2" : "application/fhir+ndjson";
    if (random_() % 3 == 0) known.submission.content_type_parameters = "charset=utf-8";
    if (random_() % 3 == 0) known.submission.payload_name = "results-" + std::to_string(random_() % 1000);
    known.submission.intake = random_() % 4 ? Intake::http : Intake::submit;
    known.submission.size = {size};
    known.submission.sha256 = sha256(payload(known.payload_seed, size));
    for (const std::string& destination : destinations_) {
      if (random_() % 2) known.destinations.push_back(destination);
    }
    if (known.destinations.empty()) known.destinations.push_back(destinations_.front());
    std::shuffle(known.destinations.begin(), known.destinations.end(), random_);
  }
  known.submission.id = next_id(clock.wall_now(), ++ids_, random_);
  known.submission.accepted_at = clock.wall_now();
  for (const std::string& destination : known.destinations) known.deliveries[destination] = {};
  return submissions_[known.submission.id] = std::move(known);
}

KnownSubmission* JournalModel::find(const SubmissionId& id) {
  const auto found = submissions_.find(id);
  return found == submissions_.end() ? nullptr : &found->second;
}

bool JournalModel::may_be_erased(const KnownSubmission& known, WallTime now) const {
  return std::all_of(known.deliveries.begin(), known.deliveries.end(), [&](const auto& delivery) {
    const auto& possible = delivery.second.possible;
    return (possible.contains(DeliveryState::delivered) || possible.contains(DeliveryState::discarded)) &&
           now - delivery.second.ended_at >= keep_record_;
  });
}

void JournalModel::count_erased(const KnownSubmission& known) {
  ++erased_;
  ++erased_by_intake_[known.submission.intake];
  for (const auto& [destination, delivery] : known.deliveries) {
    DestinationTotals& totals = erased_totals_[destination];
    ++totals.accepted;
    // Erased while it was to be sent again, it wasn't.
    ++(delivery.possible.contains(DeliveryState::delivered) ? totals.delivered : totals.discarded);
    totals.attempts[Outcome::accepted] += delivery.accepted_tries;
    totals.attempts[Outcome::refused] += delivery.refused_tries;
  }
}

void JournalModel::counted(const CounterName& counter, std::uint64_t increment) {
  counters_[counter] += increment;
}

void JournalModel::check_claim(const std::string& destination, const Claim& claim, Findings& findings) {
  if (!tokens_.insert(claim.token).second) {
    findings.push_back("claim token " + std::to_string(claim.token.value) + " was given out before");
  }
  if (surely_paused(destination)) {
    findings.push_back(claim.submission.id.text() + " was claimed for " + destination + ", which is paused");
  }
  KnownSubmission* known = find(claim.submission.id);
  if (!known) {
    findings.push_back(claim.submission.id.text() + " was claimed and never submitted");
    return;
  }
  const auto delivery = known->deliveries.find(destination);
  if (delivery == known->deliveries.end()) {
    findings.push_back(name_of(*known) + " was claimed for " + destination + ", where it never was to go");
    return;
  }
  if (!delivery->second.possible.contains(DeliveryState::queued)) {
    findings.push_back(name_of(*known) + " was claimed for " + destination + " although it is " +
                       words_of(delivery->second.possible));
  }
  if (claim.attempts < delivery->second.attempts_least || claim.attempts > delivery->second.attempts_most) {
    findings.push_back(name_of(*known) + " was claimed for " + destination + " with " + std::to_string(claim.attempts) +
                       " attempts instead of " + std::to_string(delivery->second.attempts_least));
  }
  if (!delivery->second.started.contains(claim.interrupted_since)) {
    findings.push_back(name_of(*known) + " was claimed for " + destination +
                       (claim.interrupted_since ? " with a try that never began, or has ended"
                                                : " without the try that began and has no end"));
  }
  delivery->second.started = {claim.interrupted_since};
  happened_.interrupted += claim.interrupted_since.has_value();
  check_turn(destination, *known, findings);
}

// Only what was surely there before this one was handed over, is surely open, and was never put back by hand.
void JournalModel::check_turn(const std::string& destination, const KnownSubmission& known, Findings& findings) {
  if (!known.order) return;
  for (const auto& [id, other] : submissions_) {
    if (!other.order || other.order->kind != known.order->kind || other.order->key != known.order->key) continue;
    if (other.known_to_be_there == 0 || other.known_to_be_there > known.handed_over || other.reopened) continue;
    const auto delivery = other.deliveries.find(destination);
    if (delivery == other.deliveries.end()) continue;
    ++happened_.turns;
    if (delivery->second.surely(DeliveryState::queued)) {
      findings.push_back(name_of(known) + " was claimed for " + destination + " although " + name_of(other) +
                         ", which came before it in its order, is queued");
    }
  }
}

void JournalModel::check_snapshot(const JournalSnapshot& snapshot, Findings& findings) {
  if (snapshot.as_of < last_commit_) {
    findings.push_back("commit number " + std::to_string(snapshot.as_of) + " after " + std::to_string(last_commit_));
  }
  for (const auto& [destination, totals] : snapshot.destinations) {
    if (totals.accepted + totals.moved_in !=
        totals.delivered + totals.queued + totals.dead_letter + totals.discarded + totals.moved_out) {
      findings.push_back("promise 7 doesn't hold for " + destination);
    }
    const auto before = at_last_commit_.find(destination);
    if (snapshot.as_of == last_commit_ && before != at_last_commit_.end() && !equal(before->second, totals)) {
      findings.push_back("two answers as of commit " + std::to_string(last_commit_) + " differ for " + destination);
    }
  }
  last_commit_ = snapshot.as_of;
  at_last_commit_ = snapshot.destinations;
}

}  // namespace relay
