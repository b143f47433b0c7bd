// A watched folder in a temporary folder.
#pragma once

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "intake/folder_handle.hpp"
#include "intake/folder_listing.hpp"
#include "intake/folder_note.hpp"
#include "support/temporary_folder.hpp"

namespace relay::test {

class WatchedFolder {
 public:
  WatchedFolder() { std::filesystem::create_directory(path()); }

  std::filesystem::path path() const { return temporary_.path() / "outbox"; }
  std::filesystem::path beside() const { return temporary_.path(); }
  FolderHandle open() const {
    auto opened = FolderHandle::open(path());
    EXPECT_TRUE(opened.ok());
    return std::move(*opened);
  }
  void put(const std::string& name, const std::string& content) const {
    std::filesystem::create_directories((path() / name).parent_path());
    std::ofstream(path() / name, std::ios::binary) << content;
  }
  // As another file under that name.
  void replace(const std::string& name, const std::string& content) const {
    put("." + std::filesystem::path(name).filename().string() + ".new", content);
    std::filesystem::rename(path() / ("." + std::filesystem::path(name).filename().string() + ".new"), path() / name);
  }
  std::string content(const std::string& name) const {
    std::ifstream file(path() / name, std::ios::binary);
    EXPECT_TRUE(file.good()) << name;
    return {std::istreambuf_iterator<char>(file), {}};
  }
  bool has(const std::string& name) const { return std::filesystem::exists(path() / name); }
  // Every file, below the folder.
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path())) {
      if (!entry.is_directory()) names.push_back(entry.path().lexically_relative(path()).string());
    }
    std::ranges::sort(names);
    return names;
  }
  FoundFile found(const std::string& name) const {
    const std::filesystem::path relative(name);
    FoundFile made{relative.parent_path().string(), relative.filename().string(), {}, {}};
    const auto entry = open().folder(made.folder)->look(made.name);
    EXPECT_TRUE(entry.ok()) << name;
    if (entry) made.identity = entry->identity;
    return made;
  }
  FolderNote note(const std::string& name) const {
    const FoundFile file = found(name);
    FolderNote made;
    made.watched = path();
    made.watched_inode = open().inode();
    made.folder = file.folder;
    made.name = file.name;
    made.identity = file.identity;
    return made;
  }

 private:
  TemporaryFolder temporary_;
};

}  // namespace relay::test
