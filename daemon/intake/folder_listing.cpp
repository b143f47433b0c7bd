#include "intake/folder_listing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <tuple>

#include "base/http_text.hpp"
#include "intake/folder_names.hpp"

namespace relay {
namespace {

// At a few hundred files a second this is looked at again within a minute.
constexpr std::size_t most_files = 10'000;
constexpr std::size_t most_markers = 2 * most_files;
constexpr std::size_t most_folders = 10'000;
constexpr unsigned deepest = 16;

bool older(const FoundFile& a, const FoundFile& b) {
  return std::tie(a.identity.modified, a.folder, a.name) < std::tie(b.identity.modified, b.folder, b.name);
}

class Lister {
 public:
  Lister(const FolderHandle& root, const FolderSettings& settings) : root_(root), settings_(settings) {}

  Result<FolderListing, FileError> list() {
    listing_.folders.emplace_back();
    depths_.push_back(0);
    for (std::size_t next = 0; next < listing_.folders.size(); ++next) {
      const std::string name = listing_.folders[next];
      const auto listed = list_one(name, depths_[next]);
      if (listed) continue;
      if (next == 0) return Failure{listed.error()};
      // One that is gone meanwhile is no trouble.
      if (listed.error().error_number != ENOENT && !listing_.trouble) listing_.trouble = listed.error();
    }
    std::ranges::sort(listing_.files, older);
    return std::move(listing_);
  }

 private:
  Result<void, FileError> list_one(const std::string& name, unsigned depth) {
    const auto folder = root_.folder(name);
    if (!folder) return Failure{folder.error()};
    std::map<std::string, std::string> markers;  // by their name in lower case
    if (settings_.complete_when == FileCompleteWhen::marker) {
      auto read = folder->each_name([&](const std::string& entry) {
        if (matches_ignoring_case(settings_.marker, entry)) markers.emplace(to_lower_case(entry), entry);
        return markers.size() < most_markers;
      });
      if (!read) return read;
    }
    return folder->each_name([&](const std::string& entry) {
      take_entry(*folder, {name, entry, {}, {}}, depth, markers);
      return true;
    });
  }

  void take_entry(const FolderHandle& folder, FoundFile found, unsigned depth,
                  const std::map<std::string, std::string>& markers) {
    // A folder that is hidden is other people's (.snapshot); one named lab.tmp is a client's.
    const bool may_be_folder =
        !settings_.client && !found.name.starts_with('.') && !(depth == 0 && is_reserved_folder(found.name));
    const bool may_be_file = !is_hidden_name(found.name) && matches(found.name);
    if (!may_be_file && !may_be_folder) return;
    const auto entry = folder.look(found.name);
    if (!entry) return;  // gone meanwhile
    if (entry->kind == FolderEntry::Kind::folder && may_be_folder) {
      take_folder(found.folder.empty() ? found.name : found.path(), depth + 1);
    } else if (entry->kind == FolderEntry::Kind::file && may_be_file) {
      found.identity = entry->identity;
      if (settings_.complete_when == FileCompleteWhen::marker) {
        found.marker = marker_of(found.name, markers);
        if (!found.marker) return;
      }
      keep_the_oldest(std::move(found));
    }
  }

  // What lies beyond a bound is never taken: that must be seen.
  void take_folder(std::string name, unsigned depth) {
    const bool too_deep = depth > deepest;
    if (!too_deep && listing_.folders.size() < most_folders) {
      listing_.folders.push_back(std::move(name));
      depths_.push_back(depth);
    } else if (!listing_.trouble) {
      listing_.trouble =
          FileError{EOVERFLOW, too_deep ? fmt::format("subfolders are looked into {} levels deep, and there are deeper "
                                                      "ones: their files aren't taken",
                                                      deepest)
                                        : fmt::format("{} subfolders are looked into, and there are more: the files of "
                                                      "some aren't taken",
                                                      most_folders)};
    }
  }

  bool matches(const std::string& name) const {
    if (settings_.complete_when == FileCompleteWhen::marker && matches_ignoring_case(settings_.marker, name)) {
      return false;
    }
    return std::ranges::any_of(settings_.patterns,
                               [&](const std::string& pattern) { return matches_ignoring_case(pattern, name); });
  }

  std::optional<std::string> marker_of(const std::string& name,
                                       const std::map<std::string, std::string>& markers) const {
    for (const std::string& marker : marker_names(settings_.marker, name)) {
      if (const auto there = markers.find(marker); there != markers.end()) return there->second;
    }
    return std::nullopt;
  }

  void keep_the_oldest(FoundFile found) {
    auto& files = listing_.files;  // a heap, the newest on top
    files.push_back(std::move(found));
    std::ranges::push_heap(files, older);
    if (files.size() <= most_files) return;
    std::ranges::pop_heap(files, older);
    files.pop_back();
  }

  const FolderHandle& root_;
  const FolderSettings& settings_;
  FolderListing listing_;
  std::vector<unsigned> depths_;  // of listing_.folders
};

}  // namespace

Result<FolderListing, FileError> list_folder(const FolderHandle& root, const FolderSettings& settings) {
  return Lister(root, settings).list();
}

}  // namespace relay
