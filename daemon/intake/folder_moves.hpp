// Takes files out of the watched folder: to done/, to failed/, or erases them. Nothing is ever overwritten, and no file
// is touched that isn't the one that was meant, also where a sender puts another one in its place at that moment.
//
// A file that is in the journal is first renamed to a hidden name of its submission's own, looked at once more there,
// and then moved on: its note (folder_note.hpp) finds it under either name after a crash.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/result.hpp"
#include "intake/folder_handle.hpp"
#include "intake/folder_listing.hpp"
#include "intake/folder_note.hpp"
#include "journal/journal.hpp"
#include "settings/folder_settings.hpp"

namespace relay {

class FolderMoves {
 public:
  // One for a few moves; `root` outlives it.
  FolderMoves(const FolderHandle& root, const FolderSettings& settings, WallTime now);

  enum class Taken {
    moved,     // to done/, or erased
    replaced,  // another file is there now, or this one has other content: it stays, and is a new submission
    gone,      // nothing is there: it was moved before, or somebody took it
    absent,    // nothing is there, but the folder isn't the one of the note either (a share that isn't mounted)
  };
  // SHA-256 of the submission, where it can be known.
  using DigestOf = std::function<std::optional<Digest>()>;
  Result<Taken, FileError> take(const SubmissionId& id, const FolderNote& note, const DigestOf& digest_of);

  // To failed/, with `reason` in <name>.reason. False where another file is there now: it stays.
  Result<bool, FileError> fail(const FoundFile& file, const std::string& reason);

  // fsyncs every folder that was changed. Only then may notes be ended.
  Result<void, FileError> sync();

 private:
  using Folder = Result<const FolderHandle*, FileError>;
  Folder touched(const std::string& folder);
  Folder made(const std::string& folder, std::string_view name);
  Result<bool, FileError> is_the_file(const FolderHandle& folder, const std::string& name, const FolderNote& note,
                                      bool renamed, const DigestOf& digest_of);
  Result<void, FileError> finish(const FolderHandle& folder, const std::string& hidden, const FolderNote& note);
  Result<void, FileError> put_back(const FolderHandle& folder, const std::string& from, const std::string& name);

  const FolderHandle& root_;
  const FolderSettings& settings_;
  const std::string date_;
  std::map<std::string, FolderHandle> touched_;
};

}  // namespace relay
