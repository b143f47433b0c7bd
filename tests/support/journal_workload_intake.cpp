// JournalWorkload, of what comes in: submissions small and large, repeats, files that were moved, marks that are used
// once.
#include <algorithm>
#include <chrono>

#include "journal/use_once.hpp"
#include "support/journal_workload.hpp"

namespace relay {
namespace {

using Answer = KnownSubmission::Answer;

constexpr std::chrono::hours dedupe_window{24};

}  // namespace

void JournalWorkload::append_new() {
  const unsigned dice = below(20);
  const std::size_t size = dice == 0   ? inline_payload_limit.value
                           : dice == 1 ? 1
                           : dice < 5  ? 1 + below(60'000)
                                       : 1 + below(3'000);
  KnownSubmission& known = model_.invent(clock_, size);
  name(known);
  if (below(8) == 0) known.submission.query_parameters = "processing=async&n=" + std::to_string(random_());
  append_bytes(known);
}

// Some have a key, some a message name, some neither.
void JournalWorkload::name(KnownSubmission& known) {
  const std::string unique = known.submission.client + ":" + std::to_string(random_());
  if (below(4) == 0) {
    known.message_name = MessageName{"mllp:" + unique, dedupe_window, true};
    known.submission.intake = Intake::mllp;
  } else if (below(2)) {
    known.key = "http:" + unique;
  }
}

void JournalWorkload::append_repeat() {
  const KnownSubmission* earlier = any_submission(true);
  if (!earlier) return;
  KnownSubmission& again = model_.invent(clock_, 0, earlier);
  if (again.message_name) again.message_name->absorb = below(4) > 0;
  append_bytes(again);
}

void JournalWorkload::append_conflict() {
  const KnownSubmission* earlier = any_submission(true);
  if (!earlier) return;
  const auto key = earlier->key;
  const auto message_name = earlier->message_name;
  KnownSubmission& other = model_.invent(clock_, 77);
  other.key = key;
  other.message_name = message_name;
  append_bytes(other);
}

// Of a file that is known to be in the journal.
void JournalWorkload::end_move() {
  for (auto& [id, note] : model_.notes()) {
    const KnownSubmission* known = model_.find(id);
    if (note.ended || known == nullptr || known->answer != Answer::acknowledged) continue;
    note.ended = true;
    return journal_.end_pending_move(id);
  }
}

void JournalWorkload::append_bytes(KnownSubmission& known) {
  append(known, JournalModel::payload(known.payload_seed, known.submission.size.value));
}

void JournalWorkload::append(KnownSubmission& known,
                             std::variant<std::string, std::unique_ptr<PayloadUpload>> payload) {
  inbox_->expect();
  model_.contest_names(known);
  for (auto& [id, other] : model_.submissions()) {
    other.repeats_most += JournalModel::share_a_name(known, other) && other.payload_seed == known.payload_seed;
  }
  NewSubmission submission{known.submission, known.destinations, known.key, std::move(payload), {}, known.message_name};
  // A third each: in no order, a client's, one of a few order numbers.
  using Kind = DeliveryOrder::Kind;
  if (known.payload_seed % 3 == 1) known.order = DeliveryOrder{Kind::client, known.submission.client};
  if (known.payload_seed % 3 == 2) {
    known.order = DeliveryOrder{Kind::order_number, "order " + std::to_string(known.payload_seed / 3 % 4)};
  }
  submission.order = known.order;
  known.handed_over = model_.count_event();
  if (below(4) == 0) {
    submission.pending_move = "note " + std::to_string(random_());
    model_.notes()[known.submission.id] = {*submission.pending_move, false};
  }
  journal_.append(std::move(submission),
                  [inbox = inbox_, this, id = known.submission.id](Result<Appended, AppendRefusal> result) {
                    inbox->answer([this, id, result] { answered_append(id, result); });
                  });
}

void JournalWorkload::answered_append(const SubmissionId& id, const Result<Appended, AppendRefusal>& result) {
  KnownSubmission& known = *model_.find(id);
  if (!result) {
    const AppendRefusal why = result.error();
    // What failed on the disk may be there nevertheless.
    const bool uncertain = why == AppendRefusal::journal_failing || why == AppendRefusal::disk_low;
    if (!uncertain) known.answer = Answer::refused;
    if (why == AppendRefusal::idempotency_conflict) {
      const bool taken = std::any_of(model_.submissions().begin(), model_.submissions().end(), [&](const auto& other) {
        return known.key && JournalModel::share_a_name(known, other.second) &&
               other.second.payload_seed != known.payload_seed;
      });
      if (!taken) finding(name_of(known) + " was refused as a conflict, and nobody used its key for other bytes");
    } else if (!excused_()) {
      finding(name_of(known) + " was refused without a reason");
    }
    return;
  }
  if (result->replayed) {
    known.answer = Answer::refused;
    KnownSubmission* earlier = model_.find(result->view.submission.id);
    if (!earlier || !JournalModel::share_a_name(known, *earlier) || earlier->payload_seed != known.payload_seed) {
      finding(name_of(known) + " was taken for a repeat of what it isn't");
    } else if (earlier->answer == Answer::refused) {
      finding(name_of(known) + " was taken for a repeat of what was refused");
    } else {
      earlier->answer = Answer::acknowledged;
      ++earlier->repeats_least;
    }
    return;
  }
  known.answer = Answer::acknowledged;
  known.known_to_be_there = model_.count_event();
  ++acknowledged_;
  if (result->view.submission.id != id) finding(name_of(known) + " was acknowledged under another id");
  for (const auto& [other_id, other] : model_.submissions()) {
    if (other.answer != Answer::acknowledged || !JournalModel::share_a_name(known, other)) continue;
    const bool repeat = model_.must_hold_name(other, clock_.wall_now()) && other.payload_seed == known.payload_seed;
    if (model_.must_hold_key(other, clock_.wall_now()) || (repeat && known.message_name->absorb)) {
      finding(name_of(known) + " was taken as new although " + name_of(other) + " holds its key or message name");
    } else if (repeat && result->recurrence != Recurrence::repeat) {
      finding(name_of(known) + " wasn't told to be a repeat of " + name_of(other));
    }
  }
}

// One large payload at a time, a chunk a step, so that everything else happens between its chunks.
void JournalWorkload::upload() {
  if (upload_) return upload_chunk();
  const std::size_t size = inline_payload_limit.value + 1 + below(650'000);
  KnownSubmission& known = model_.invent(clock_, size);
  name(known);
  upload_ = Upload{known.submission.id, journal_.open_upload(known.submission.id),
                   JournalModel::payload(known.payload_seed, size)};
}

void JournalWorkload::upload_chunk() {
  if (upload_->failed || below(12) == 0) {  // given up
    model_.find(upload_->id)->answer = Answer::refused;
    upload_.reset();
    return;
  }
  if (upload_->rest.empty()) {
    append(*model_.find(upload_->id), std::move(upload_->handle));
    upload_.reset();
    return;
  }
  std::string chunk = upload_->rest.substr(0, payload_chunk_size.value);
  upload_->rest.erase(0, chunk.size());
  inbox_->expect();
  journal_.append_chunk(*upload_->handle, std::move(chunk), [inbox = inbox_, this](Result<void, AppendRefusal> result) {
    inbox->answer([this, taken = result.ok()] {
      if (taken) return;
      if (upload_) upload_->failed = true;
      if (!excused_()) finding("a chunk was refused without a reason");
    });
  });
  wait(0);  // the next one only after this one's answer
}

// What a sender's assertion is known by; most of them come once, some again. Step by step: whether a mark is new
// depends on the one before it.
void JournalWorkload::use_mark() {
  if (!all_answered()) return;
  const auto& [mark, known] = model_.any_mark(below(3) == 0);
  const WallTime until = clock_.wall_now() + std::chrono::seconds(1 + below(24 * 3600));
  const KnownMark before = known;
  model_.mark(mark).may_be_held_until(until, clock_.wall_now());
  inbox_->expect();
  use_once_of(journal_).use_once(mark, until, [inbox = inbox_, this, mark = mark, before, until](const auto& first) {
    inbox->answer([this, mark, before, until, first] {
      if (!first) {
        if (!excused_()) finding("a mark was refused without a reason");
        return;
      }
      model_.mark(mark) = before;
      model_.mark(mark).answered(*first, until, clock_.wall_now(), findings_);
    });
  });
  wait(0);
}

}  // namespace relay
