#include "intake/folder_moves.hpp"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "intake/folder_names.hpp"

namespace relay {
namespace {

constexpr unsigned most_numbers = 1'000'000;

std::string hidden_name(const SubmissionId& id) {
  return ".edge-relay-" + id.text();
}

bool is_missing(const FileError& error) {
  return error.error_number == ENOENT || error.error_number == ENOTDIR;
}

// The same file, whatever was done to it. An inode's number is given again, its birth isn't.
bool is_same_object(const FileIdentity& a, const FileIdentity& b) {
  return a.inode == b.inode && (a.born == 0 || b.born == 0 || a.born == b.born);
}

bool has_same_content_state(const FileIdentity& a, const FileIdentity& b) {
  return a.size == b.size && a.modified == b.modified;
}

Result<Digest, FileError> digest_of_file(const FolderHandle& folder, const std::string& name) {
  const auto file = folder.file(name);
  if (!file) return Failure{file.error()};
  Sha256 hash;
  std::string buffer(65'536, '\0');
  for (;;) {
    const ssize_t got = ::read(file->get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failure{FileError{errno, "can't read a file: " + error_text(errno)}};
    if (got == 0) return hash.finish();
    hash.update({buffer.data(), static_cast<std::size_t>(got)});
  }
}

// Under the first free one of its names, so that none is overwritten. Returns that name.
Result<std::string, FileError> move_under_free_name(const FolderHandle& from, const std::string& name,
                                                    const FolderHandle& to, const std::string& wanted) {
  for (unsigned number = 1; number <= most_numbers; ++number) {
    std::string free = numbered_name(wanted, number);
    const auto moved = from.rename(name, to, free);
    if (moved) return free;
    if (moved.error().error_number != EEXIST) return Failure{moved.error()};
  }
  return Failure{FileError{EEXIST, "can't move a file: too many have its name already"}};
}

}  // namespace

FolderMoves::FolderMoves(const FolderHandle& root, const FolderSettings& settings, WallTime now)
    : root_(root), settings_(settings), date_(format_rfc3339(now).substr(0, 10)) {}

FolderMoves::Folder FolderMoves::touched(const std::string& folder) {
  auto there = touched_.find(folder);
  if (there == touched_.end()) {
    auto opened = root_.folder(folder);
    if (!opened) return Failure{opened.error()};
    there = touched_.emplace(folder, std::move(*opened)).first;
  }
  return &there->second;
}

FolderMoves::Folder FolderMoves::made(const std::string& folder, std::string_view name) {
  const std::string path = (folder.empty() ? "" : folder + '/') + std::string(name);
  if (touched_.contains(path)) return touched(path);
  auto parent = touched(folder);
  if (!parent) return parent;
  auto opened = (*parent)->made_folder(std::string(name));
  if (!opened) return Failure{opened.error()};
  return &touched_.emplace(path, std::move(*opened)).first->second;
}

Result<bool, FileError> FolderMoves::is_the_file(const FolderHandle& folder, const std::string& name,
                                                 const FolderNote& note, bool renamed, const DigestOf& digest_of) {
  const auto entry = folder.look(name);
  if (!entry) return Failure{entry.error()};
  const FileIdentity& now = entry->identity;
  if (entry->kind != FolderEntry::Kind::file || !is_same_object(now, note.identity)) return false;
  const bool untouched = has_same_content_state(now, note.identity);
  // Where a birth isn't known, only an unchanged ctime tells that the number wasn't given to another file.
  const bool certain = renamed || note.identity.born != 0 || now.changed == note.identity.changed;
  if (untouched) return certain;
  // Somebody wrote to it since, or only set its date.
  const auto expected = digest_of();
  if (!expected || !certain) return false;
  const auto found = digest_of_file(folder, name);
  if (!found) return Failure{found.error()};
  return *found == *expected;
}

Result<FolderMoves::Taken, FileError> FolderMoves::take(const SubmissionId& id, const FolderNote& note,
                                                        const DigestOf& digest_of) {
  const Taken nothing_there = root_.inode() == note.watched_inode ? Taken::gone : Taken::absent;
  const auto folder = touched(note.folder);
  if (!folder && is_missing(folder.error())) return nothing_there;
  if (!folder) return Failure{folder.error()};
  const std::string hidden = hidden_name(id);

  // One that a crash left there, or else the one that is to get there now.
  auto is_hidden = is_the_file(**folder, hidden, note, true, digest_of);
  if (!is_hidden && !is_missing(is_hidden.error())) return Failure{is_hidden.error()};
  if (!is_hidden) {
    const auto is_there = is_the_file(**folder, note.name, note, false, digest_of);
    if (!is_there && is_missing(is_there.error())) return nothing_there;
    if (!is_there) return Failure{is_there.error()};
    if (!*is_there) return Taken::replaced;
    if (const auto renamed = (*folder)->rename(note.name, **folder, hidden); !renamed) {
      if (is_missing(renamed.error())) return nothing_there;
      return Failure{renamed.error()};
    }
    is_hidden = is_the_file(**folder, hidden, note, true, digest_of);
    if (!is_hidden) return Failure{is_hidden.error()};
  }
  if (!*is_hidden) {
    if (const auto back = put_back(**folder, hidden, note.name); !back) return Failure{back.error()};
    return Taken::replaced;
  }
  if (const auto finished = finish(**folder, hidden, note); !finished) return Failure{finished.error()};
  return Taken::moved;
}

Result<void, FileError> FolderMoves::finish(const FolderHandle& folder, const std::string& hidden,
                                            const FolderNote& note) {
  if (!note.marker.empty()) {
    if (auto removed = folder.remove(note.marker); !removed) return removed;
  }
  if (settings_.after == FileAfter::erased) return folder.remove(hidden);
  const auto done = made("", done_folder);
  if (!done) return Failure{done.error()};
  const auto today = made(std::string(done_folder), date_);
  if (!today) return Failure{today.error()};
  const auto moved = move_under_free_name(folder, hidden, **today, note.name);
  if (!moved) return Failure{moved.error()};
  return {};
}

// It was renamed in place of another: under its name again, or where that is taken meanwhile, under a further one.
Result<void, FileError> FolderMoves::put_back(const FolderHandle& folder, const std::string& from,
                                              const std::string& name) {
  auto back = folder.rename(from, folder, name);
  if (back || back.error().error_number != EEXIST) return back;
  const auto moved = move_under_free_name(folder, from, folder, name);
  if (!moved) return Failure{moved.error()};
  return {};
}

Result<bool, FileError> FolderMoves::fail(const FoundFile& file, const std::string& reason) {
  const auto folder = touched(file.folder);
  if (!folder) return Failure{folder.error()};
  const auto failed = made("", failed_folder);
  if (!failed) return Failure{failed.error()};
  for (unsigned number = 1; number <= most_numbers; ++number) {
    const std::string name = numbered_name(file.name, number);
    const std::string reason_name = name + ".reason";
    // A file without its reason would be a riddle: the reason comes first, and goes again where the file doesn't come.
    if (const auto written = (*failed)->create(reason_name, reason); !written) {
      if (written.error().error_number == EEXIST) continue;
      return Failure{written.error()};
    }
    const auto moved = (*folder)->rename(file.name, **failed, name);
    if (!moved) {
      (void)(*failed)->remove(reason_name);  // the move's error is the one to tell
      if (moved.error().error_number == EEXIST) continue;
      if (is_missing(moved.error())) return false;
      return Failure{moved.error()};
    }
    const auto entry = (*failed)->look(name);
    if (entry && !is_same_object(entry->identity, file.identity)) {
      if (const auto back = (*failed)->rename(name, **folder, file.name); !back) return Failure{back.error()};
      (void)(*failed)->remove(reason_name);
      return false;
    }
    if (file.marker) {
      if (const auto removed = (*folder)->remove(*file.marker); !removed) return Failure{removed.error()};
    }
    return true;
  }
  return Failure{FileError{EEXIST, "can't move a file: too many have its name already"}};
}

Result<void, FileError> FolderMoves::sync() {
  for (const auto& [name, folder] : touched_) {
    if (auto synced = folder.sync(); !synced) return synced;
  }
  return {};
}

}  // namespace relay
