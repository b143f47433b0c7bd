// What one watched folder's door does at each look: files that are in the journal are moved away, complete ones are
// taken in the order of their dates, one after another, so that a client's files stay in order. Of the door's thread
// alone.
#pragma once

#include <atomic>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "intake/folder_completeness.hpp"
#include "intake/folder_handle.hpp"
#include "intake/folder_listing.hpp"
#include "intake/folder_note.hpp"
#include "intake/folder_reading.hpp"
#include "intake/folder_trouble.hpp"
#include "intake/folder_watch.hpp"
#include "intake/receiver.hpp"
#include "journal/journal.hpp"
#include "settings/folder_settings.hpp"

namespace relay {

class FolderWork {
 public:
  // All of them outlive it. Once `stopping`, nothing more is begun.
  FolderWork(const FolderSettings& settings, Receiver& receiver, Journal& journal, const Clock& clock,
             FolderTrouble& trouble, const std::atomic<bool>& stopping);

  struct Next {
    MonotonicTime look_at{};            // at the latest
    std::chrono::milliseconds rest{0};  // before that, however much happens: looking costs as much as there is
  };
  Next turn(FolderWatch& watch);

 private:
  // In the journal, not yet moved.
  struct Pending {
    SubmissionId id;
    FolderNote note;
    std::optional<Digest> digest{};
  };

  bool load_notes();
  bool end_moves(const FolderHandle& root);
  void take_files(const FolderHandle& root, const std::vector<FoundFile>& files);
  // False where nothing can be taken now.
  bool take(const FolderHandle& root, const FoundFile& file);
  FolderNote note_of(const FolderHandle& root, const FoundFile& file) const;
  FileSubmission submission_of(const FoundFile& file, std::string client, const FolderNote& note) const;
  void set_aside(const FolderHandle& root, const FoundFile& file, const RequestProblem& problem);
  void refuse(const FolderHandle& root, const FoundFile& file, const RequestProblem& problem);
  bool marker_is_its_own(const FoundFile& file) const;
  void left_the_folder(const FoundFile& file);
  void tend_done(const FolderHandle& root);
  void troubled_by(const FileError& error, const FoundFile* file = nullptr);
  void come_again_in(std::chrono::milliseconds time);

  const FolderSettings& settings_;
  Receiver& receiver_;
  Journal& journal_;
  const Clock& clock_;
  FolderTrouble& trouble_;
  const std::atomic<bool>& stopping_;

  FileCompleteness completeness_;
  bool notes_loaded_ = false;
  std::vector<Pending> pending_;
  std::map<std::pair<std::string, std::string>, unsigned> markers_;  // by folder: how many listed files share it
  std::optional<MonotonicTime> troubled_until_;
  MonotonicTime tend_done_at_{};
  MonotonicTime come_again_{};
};

}  // namespace relay
