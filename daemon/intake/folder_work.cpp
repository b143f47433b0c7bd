#include "intake/folder_work.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "base/thread_progress.hpp"
#include "intake/folder_done.hpp"
#include "intake/folder_moves.hpp"
#include "intake/folder_names.hpp"
#include "intake/request_fields.hpp"
#include "submission/client_name.hpp"

namespace relay {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Whatever events say: on a share there are none.
constexpr std::chrono::minutes between_looks{1};
constexpr seconds after_trouble{5};
constexpr seconds after_file_trouble{10};
constexpr seconds full_patience{5};
constexpr seconds after_change{1};
constexpr std::string_view hl7_type = "application/hl7-v2";
constexpr std::string_view csv_type = "text/csv";
// Moved together, so that their folders are fsynced once.
constexpr std::size_t most_pending = 64;
constexpr std::chrono::minutes between_tending_done{10};

// How the door's problems stand in a .reason: nothing of the file's content.
std::string reason_text(const RequestProblem& problem, WallTime now) {
  return std::string(problem_name(problem.name)) + ": " + problem.detail + "\nNot taken at " + format_rfc3339(now) +
         ". When that is put right, move the file back into its folder.\n";
}

// Of another moment: the same file may be taken then.
bool is_temporary(const RequestProblem& problem) {
  const unsigned status = problem_status(problem.name);
  return status >= 500 || status == 429 || status == 408;
}

// A name that can be shown: UTF-8, without control characters.
std::string shown_name(const std::string& name) {
  std::string shown = payload_name_text(name);
  std::ranges::replace_if(
      shown, [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }, '_');
  return shown;
}

}  // namespace

FolderWork::FolderWork(const FolderSettings& settings, Receiver& receiver, Journal& journal, const Clock& clock,
                       FolderTrouble& trouble, const std::atomic<bool>& stopping)
    : settings_(settings),
      receiver_(receiver),
      journal_(journal),
      clock_(clock),
      trouble_(trouble),
      stopping_(stopping),
      completeness_(settings) {}

FolderWork::Next FolderWork::turn(FolderWatch& watch) {
  const MonotonicTime began = clock_.monotonic_now();
  come_again_ = began + between_looks;
  const auto root = FolderHandle::open(settings_.path);
  if (!root) {
    troubled_by(root.error());
    return {come_again_, milliseconds(0)};
  }
  bool more = watch.watch(*root, {""});
  if (!load_notes() || !end_moves(*root)) return {come_again_, milliseconds(0)};
  const auto listing = list_folder(*root, settings_);
  if (!listing) {
    troubled_by(listing.error());
    return {come_again_, milliseconds(0)};
  }
  more = watch.watch(*root, listing->folders) || more;
  if (more) come_again_in(milliseconds(0));
  const auto looked_for = std::chrono::ceil<milliseconds>(clock_.monotonic_now() - began);
  completeness_.look(listing->files, clock_.monotonic_now());
  if (const auto writable = root->writable()) {
    take_files(*root, listing->files);
  } else {
    troubled_by(writable.error());  // what can't be moved away isn't taken
  }
  if (listing->trouble) troubled_by(*listing->trouble);
  tend_done(*root);
  const MonotonicTime now = clock_.monotonic_now();
  if (!troubled_until_ || *troubled_until_ <= now) {
    trouble_.over();
  } else {
    come_again_ = std::min(come_again_, *troubled_until_);
  }
  if (const auto next = completeness_.next(now)) come_again_ = std::min(come_again_, *next);
  return {come_again_, std::clamp(4 * looked_for, milliseconds(50), milliseconds(10'000))};
}

void FolderWork::come_again_in(milliseconds time) {
  come_again_ = std::min(come_again_, clock_.monotonic_now() + time);
}

void FolderWork::troubled_by(const FileError& error, const FoundFile* file) {
  trouble_.is(error);
  const MonotonicTime now = clock_.monotonic_now();
  const seconds patience = file != nullptr ? after_file_trouble : after_trouble;
  if (file != nullptr) completeness_.put_off(*file, now + patience);
  troubled_until_ = std::max(troubled_until_.value_or(now), now + patience);
  come_again_in(patience);
}

// ---- What is in the journal already ---------------------------------------------------------------------------------

bool FolderWork::load_notes() {
  if (notes_loaded_) return true;
  const auto moves = journal_.pending_moves();
  if (!moves) {
    log_error("a watched folder waits: which of its files are in the journal can't be read",
              {{"folder", settings_.path.native()}, {"error", moves.error().message}});
    come_again_in(after_trouble);
    return false;
  }
  for (const PendingMove& move : *moves) {
    auto note = parse_note(move.note);
    if (note && note->watched == settings_.path) pending_.push_back({move.id, std::move(*note), {}});
  }
  if (!pending_.empty()) {
    log_info("files that are in the journal are moved away first",
             {{"folder", settings_.path.native()}, {"count", pending_.size()}});
  }
  notes_loaded_ = true;
  return true;
}

// False where one can't be moved: nothing more is taken until it can, so that what waits to be moved stays bounded.
bool FolderWork::end_moves(const FolderHandle& root) {
  if (pending_.empty()) return true;
  FolderMoves moves(root, settings_, clock_.wall_now());
  std::vector<SubmissionId> ended;
  std::vector<Pending> left;
  std::optional<FileError> trouble;
  for (Pending& pending : std::exchange(pending_, {})) {
    const auto digest_of = [&]() -> std::optional<Digest> {
      if (pending.digest) return pending.digest;
      const auto found = journal_.find(pending.id, false);
      return found && *found ? std::optional((*found)->view.submission.sha256) : std::nullopt;
    };
    const auto taken = moves.take(pending.id, pending.note, digest_of);
    if (!taken) trouble = taken.error();
    if (taken && *taken == FolderMoves::Taken::replaced) come_again_in(after_change);
    if (!taken || *taken == FolderMoves::Taken::absent) {
      left.push_back(std::move(pending));
    } else {
      ended.push_back(pending.id);
    }
  }
  pending_ = std::move(left);
  if (const auto synced = moves.sync(); !synced) {
    // They are where they belong, but might not be after a power cut. The next start, or a later move, tells.
    trouble = synced.error();
    ended.clear();
  }
  for (const SubmissionId& id : ended) journal_.end_pending_move(id);
  if (trouble) troubled_by(*trouble);
  return !trouble;
}

// ---- What is to be taken --------------------------------------------------------------------------------------------

void FolderWork::take_files(const FolderHandle& root, const std::vector<FoundFile>& files) {
  markers_.clear();
  for (const FoundFile& file : files) {
    if (file.marker) ++markers_[{file.folder, *file.marker}];
  }
  for (const FoundFile& file : files) {
    if (stopping_) break;
    ThreadProgress::step();
    const auto verdict = completeness_.verdict(file, clock_.monotonic_now());
    if (verdict == FileCompleteness::Verdict::wait) continue;
    if (verdict == FileCompleteness::Verdict::empty) {
      refuse(root, file, {ProblemName::empty_payload, "The file is empty."});
    } else if (!take(root, file)) {
      break;
    }
    if (pending_.size() >= most_pending && !end_moves(root)) return;
  }
  end_moves(root);
}

FolderNote FolderWork::note_of(const FolderHandle& root, const FoundFile& file) const {
  FolderNote note;
  note.watched = settings_.path;
  note.watched_inode = root.inode();
  note.folder = file.folder;
  note.name = file.name;
  if (marker_is_its_own(file)) note.marker = *file.marker;
  note.identity = file.identity;
  return note;
}

FileSubmission FolderWork::submission_of(const FoundFile& file, std::string client, const FolderNote& note) const {
  FileSubmission submission;
  submission.arrival.intake = Intake::folder;
  submission.arrival.client = std::move(client);
  submission.arrival.content_type = MediaType{settings_.content_type, ""};
  submission.arrival.payload_name = shown_name(file.name);
  submission.arrival.pending_move = note_text(note);
  submission.identity = file.identity;
  submission.nul_is_incomplete = settings_.content_type == hl7_type || settings_.content_type == csv_type;
  submission.nul_at = completeness_.nul_in(file);
  return submission;
}

bool FolderWork::take(const FolderHandle& root, const FoundFile& file) {
  const std::string client = settings_.client.value_or(first_part(file.folder));
  if (client.empty()) {
    refuse(root, file, {ProblemName::no_client, "Files are taken from subfolders alone, each named like its client."});
    return true;
  }
  if (!is_client_name(client)) {
    refuse(root, file, {ProblemName::bad_client, "The subfolder's name isn't a client's name."});
    return true;
  }
  const auto folder = root.folder(file.folder);
  const auto writable = folder ? folder->writable() : Failure{folder.error()};
  if (!writable) {
    troubled_by(writable.error(), &file);
    return true;
  }
  FolderNote note = note_of(root, file);
  const FileReading reading = submit_file(receiver_, *folder, file.name, submission_of(file, client, note));
  if (const auto* appended = std::get_if<Appended>(&reading)) {
    pending_.push_back({appended->view.submission.id, std::move(note), appended->view.submission.sha256});
    left_the_folder(file);
  } else if (const auto* nul = std::get_if<FileHasNul>(&reading)) {
    const auto now = clock_.monotonic_now();
    if (completeness_.found_nul(file, nul->offset, now, clock_.wall_now()) == FileCompleteness::Nul::stays) {
      refuse(root, file, {ProblemName::invalid_payload, "The file holds NUL bytes, and nothing came in their place."});
    }
  } else if (const auto* unreadable = std::get_if<FileUnreadable>(&reading)) {
    troubled_by(unreadable->error, &file);
  } else if (const auto* problem = std::get_if<RequestProblem>(&reading)) {
    if (is_temporary(*problem)) {
      come_again_in(std::min(problem->retry_after.value_or(full_patience), full_patience));
      return false;
    }
    set_aside(root, file, *problem);
  } else {
    come_again_in(after_change);
  }
  return true;
}

// ---- What can't be taken for good -----------------------------------------------------------------------------------

void FolderWork::refuse(const FolderHandle& root, const FoundFile& file, const RequestProblem& problem) {
  receiver_.count_refusal(Intake::folder, problem.name);
  set_aside(root, file, problem);
}

void FolderWork::set_aside(const FolderHandle& root, const FoundFile& file, const RequestProblem& problem) {
  FolderMoves moves(root, settings_, clock_.wall_now());
  FoundFile moved = file;
  if (!marker_is_its_own(file)) moved.marker.reset();
  const auto failed = moves.fail(moved, reason_text(problem, clock_.wall_now()));
  if (!failed) return troubled_by(failed.error(), &file);
  if (const auto synced = moves.sync(); !synced) troubled_by(synced.error());
  left_the_folder(file);
  if (!*failed) come_again_in(after_change);
}

// A marker by the stem may stand for several files: it goes with the last of them.
bool FolderWork::marker_is_its_own(const FoundFile& file) const {
  if (!file.marker) return false;
  const auto sharing = markers_.find({file.folder, *file.marker});
  return sharing == markers_.end() || sharing->second <= 1;
}

void FolderWork::left_the_folder(const FoundFile& file) {
  if (file.marker) --markers_[{file.folder, *file.marker}];
}

void FolderWork::tend_done(const FolderHandle& root) {
  const MonotonicTime now = clock_.monotonic_now();
  if (settings_.after != FileAfter::done) return;
  if (now >= tend_done_at_ && !stopping_) {
    const auto more = erase_old_done_files(root, settings_.keep_done, clock_.wall_now());
    if (!more) troubled_by(more.error());
    const auto between = std::clamp<milliseconds>(settings_.keep_done / 4, seconds(1), between_tending_done);
    tend_done_at_ = now + (more && *more ? milliseconds(0) : between);
  }
  come_again_ = std::min(come_again_, tend_done_at_);
}

}  // namespace relay
