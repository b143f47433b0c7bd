// What lies in a watched folder: the files that its patterns name, the oldest first. Memory stays bounded however many
// there are.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "intake/folder_handle.hpp"
#include "settings/folder_settings.hpp"

namespace relay {

struct FoundFile {
  std::string folder;  // below the watched one: "" for itself, "lab.a", "lab.a/today"
  std::string name;
  FileIdentity identity;
  std::optional<std::string> marker{};  // lies beside it

  std::string path() const { return folder + '/' + name; }
};

struct FolderListing {
  std::vector<FoundFile> files;        // by time of their content, then by name
  std::vector<std::string> folders;    // that were looked into, "" first
  std::optional<FileError> trouble{};  // why a subfolder wasn't looked into, of the first
};

// With `complete_when: marker`, files that have no marker are left out. Where each client has a subfolder, subfolders
// are looked into, 10,000 of them and 16 levels deep at most; otherwise only the folder itself. Error: the folder
// itself can't be read.
Result<FolderListing, FileError> list_folder(const FolderHandle& root, const FolderSettings& settings);

}  // namespace relay
