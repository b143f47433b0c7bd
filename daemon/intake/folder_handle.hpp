// FolderHandle: an open folder, and file operations that never leave it. A path is opened part by part, each beneath
// the one before; no symbolic link is followed and no other mount entered. openat2(2) would promise the same in one
// call, but systemd's RestrictSUIDSGID= takes it away from a service.
//
// Errors carry errno and say what was tried, never a file's name: that can carry a patient's.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "base/file.hpp"
#include "base/result.hpp"

namespace relay {

// What tells one file, and one state of it, from another. Times are nanoseconds since 1970.
struct FileIdentity {
  std::uint64_t inode = 0;
  std::int64_t born = 0;  // 0 where the file system doesn't say
  std::uint64_t size = 0;
  std::int64_t modified = 0;  // its content
  std::int64_t changed = 0;   // content, name or rights
  bool operator==(const FileIdentity&) const = default;
};

struct FolderEntry {
  enum class Kind { file, folder, other } kind = Kind::other;  // a symbolic link is other
  FileIdentity identity;
};

// What a file is mounted by.
struct MountIdentity {
  std::uint64_t mount = 0;  // 0 before Linux 5.8
  std::uint64_t device = 0;
  bool operator==(const MountIdentity&) const = default;
};

class FolderHandle {
 public:
  // The watched folder itself; it may be reached by a link.
  static Result<FolderHandle, FileError> open(const std::filesystem::path& path);

  // `relative` may have several parts; empty: this folder once more. ELOOP where a part is a symbolic link, EXDEV where
  // it is another mount or leads upwards.
  Result<FolderHandle, FileError> folder(const std::string& relative) const;
  // Whether files can be moved out of it: EROFS, EACCES.
  Result<void, FileError> writable() const;
  // Made where it isn't there, for its owner and group.
  Result<FolderHandle, FileError> made_folder(const std::string& name) const;
  // For reading; EINVAL where it is no regular file; ELOOP and EXDEV as above.
  Result<FileDescriptor, FileError> file(const std::string& name) const;
  // ENOENT where there is none.
  Result<FolderEntry, FileError> look(const std::string& name) const;
  // Never overwrites: EEXIST.
  Result<void, FileError> rename(const std::string& name, const FolderHandle& to, const std::string& new_name) const;
  // A new file with that text, fsynced. EEXIST where there is one.
  Result<void, FileError> create(const std::string& name, std::string_view text) const;
  // One that isn't there is no error.
  Result<void, FileError> remove(const std::string& name) const;
  Result<void, FileError> remove_folder(const std::string& name) const;
  // fsync of the folder: what was renamed, made and removed in it survives a power cut.
  Result<void, FileError> sync() const;
  // Every name but . and .. in no order; `visit` may return false to end it.
  Result<void, FileError> each_name(const std::function<bool(const std::string&)>& visit) const;

  std::uint64_t inode() const { return inode_; }
  int descriptor() const { return descriptor_.get(); }

 private:
  static Result<FolderHandle, FileError> of(FileDescriptor descriptor);
  FolderHandle(FileDescriptor descriptor, std::uint64_t inode, MountIdentity mount)
      : descriptor_(std::move(descriptor)), inode_(inode), mount_(mount) {}
  Result<FolderHandle, FileError> part(const std::string& name) const;

  FileDescriptor descriptor_;
  std::uint64_t inode_;
  MountIdentity mount_;
};

// Of an open file.
Result<FileIdentity, FileError> identity_of(int descriptor);

}  // namespace relay
