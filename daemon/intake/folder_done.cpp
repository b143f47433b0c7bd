#include "intake/folder_done.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include "intake/folder_names.hpp"

namespace relay {
namespace {

constexpr std::size_t most_folders = 4'000;
constexpr std::size_t most_files = 2'000;

// The day that a folder of done/ is named after; nothing for another name.
std::optional<WallTime> day_of(const std::string& name) {
  if (name.size() != 10) return std::nullopt;
  return parse_rfc3339(name + "T00:00:00Z");
}

// A file's ctime is when it was moved here. Where the file system doesn't keep that, or somebody touched it later, it
// counts from the end of its day.
WallTime put_there_at(const FileIdentity& file, WallTime day) {
  const WallTime end_of_day = day + std::chrono::hours(24);
  const WallTime changed{std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::nanoseconds(file.changed))};
  return changed < day || changed > end_of_day ? end_of_day : changed;
}

Result<std::vector<std::string>, FileError> names_in(const FolderHandle& folder, std::size_t most) {
  std::vector<std::string> names;
  auto read = folder.each_name([&](const std::string& name) {
    names.push_back(name);
    return names.size() < most;
  });
  if (!read) return Failure{read.error()};
  return names;
}

Result<std::size_t, FileError> erase_in(const FolderHandle& folder, WallTime day, WallTime before) {
  const auto names = names_in(folder, most_files);
  if (!names) return Failure{names.error()};
  std::size_t erased = 0;
  for (const std::string& name : *names) {
    const auto entry = folder.look(name);
    if (!entry || entry->kind != FolderEntry::Kind::file || put_there_at(entry->identity, day) > before) continue;
    if (auto removed = folder.remove(name); !removed) return Failure{removed.error()};
    ++erased;
  }
  return erased;
}

}  // namespace

Result<bool, FileError> erase_old_done_files(const FolderHandle& root, std::chrono::milliseconds keep, WallTime now) {
  const auto done = root.folder(std::string(done_folder));
  if (!done && done.error().error_number == ENOENT) return false;
  if (!done) return Failure{done.error()};
  auto days = names_in(*done, most_folders);
  if (!days) return Failure{days.error()};
  std::ranges::sort(*days);
  std::size_t erased = 0;
  for (const std::string& name : *days) {
    const auto day = day_of(name);
    if (!day || *day > now - keep) continue;  // nothing in it can be old enough
    const auto folder = done->folder(name);
    if (!folder) continue;  // no folder, or another's
    const auto here = erase_in(*folder, *day, now - keep);
    if (!here) return Failure{here.error()};
    erased += *here;
    if (erased >= most_files) return true;
    // Not empty is no trouble: today's fills again.
    if (*day + std::chrono::hours(48) < now) (void)done->remove_folder(name);
  }
  return false;
}

}  // namespace relay
