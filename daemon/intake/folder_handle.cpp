#include "intake/folder_handle.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace relay {
namespace {

constexpr unsigned folder_mode = 0770;
constexpr unsigned file_mode = 0660;

Failure<FileError> failed(std::string_view action, int error_number = errno) {
  return {FileError{error_number, std::string("can't ").append(action) + ": " + error_text(error_number)}};
}

// One part of a path. A symbolic link is ELOOP, also where a folder is wanted, for which Linux says ENOTDIR.
int open_part(int folder, const std::string& name, int flags, unsigned mode = 0) {
  if (name == ".." || name.find('/') != std::string::npos) {
    errno = EXDEV;
    return -1;
  }
  for (;;) {
    const int opened = ::openat(folder, name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, mode);
    if (opened >= 0) return opened;
    if (errno == EINTR) continue;
    struct stat status {};
    if (errno == ENOTDIR && ::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0)
      errno = S_ISLNK(status.st_mode) ? ELOOP : ENOTDIR;
    return -1;
  }
}

std::int64_t nanoseconds(const statx_timestamp& time) {
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

struct Seen {
  FolderEntry entry;
  MountIdentity mount;
};

Result<Seen, FileError> seen_of(int folder, const char* name, int flags) {
  struct statx status {};
  if (::statx(folder, name, flags | AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID, &status) !=
      0) {
    return failed("look at a file");
  }
  Seen seen;
  if (S_ISREG(status.stx_mode)) seen.entry.kind = FolderEntry::Kind::file;
  if (S_ISDIR(status.stx_mode)) seen.entry.kind = FolderEntry::Kind::folder;
  seen.entry.identity = {status.stx_ino, (status.stx_mask & STATX_BTIME) != 0 ? nanoseconds(status.stx_btime) : 0,
                         status.stx_size, nanoseconds(status.stx_mtime), nanoseconds(status.stx_ctime)};
  seen.mount = {(status.stx_mask & STATX_MNT_ID) != 0 ? status.stx_mnt_id : 0,
                makedev(status.stx_dev_major, status.stx_dev_minor)};
  return seen;
}

// For file systems that can't rename without overwriting: an empty file of our own is what is overwritten.
Result<void, FileError> rename_onto_placeholder(int from, const char* name, int to, const char* new_name) {
  const FileDescriptor placeholder(
      ::openat(to, new_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, file_mode));
  if (!placeholder.valid()) return failed("move a file");
  if (::renameat(from, name, to, new_name) == 0) return {};
  const int error_number = errno;
  ::unlinkat(to, new_name, 0);
  return failed("move a file", error_number);
}

}  // namespace

Result<FolderHandle, FileError> FolderHandle::of(FileDescriptor descriptor) {
  const auto seen = seen_of(descriptor.get(), "", AT_EMPTY_PATH);
  if (!seen) return Failure{seen.error()};
  return FolderHandle(std::move(descriptor), seen->entry.identity.inode, seen->mount);
}

Result<FolderHandle, FileError> FolderHandle::open(const std::filesystem::path& path) {
  auto opened = open_file(path, O_RDONLY | O_DIRECTORY);
  if (!opened) return Failure{opened.error()};
  return of(std::move(*opened));
}

Result<FolderHandle, FileError> FolderHandle::part(const std::string& name) const {
  FileDescriptor opened(open_part(descriptor_.get(), name, O_RDONLY | O_DIRECTORY));
  if (!opened.valid()) return failed("open a subfolder");
  auto handle = of(std::move(opened));
  if (handle && handle->mount_ != mount_) return failed("open a subfolder", EXDEV);
  return handle;
}

Result<FolderHandle, FileError> FolderHandle::folder(const std::string& relative) const {
  std::size_t end = relative.find('/');
  auto reached = part(relative.empty() ? "." : relative.substr(0, end));
  while (reached && end != std::string::npos) {
    const std::size_t begin = end + 1;
    end = relative.find('/', begin);
    reached = reached->part(relative.substr(begin, end == std::string::npos ? end : end - begin));
  }
  return reached;
}

Result<void, FileError> FolderHandle::writable() const {
  if (::faccessat(descriptor_.get(), ".", W_OK | X_OK, AT_EACCESS) == 0) return {};
  return failed("write to a folder");
}

Result<FolderHandle, FileError> FolderHandle::made_folder(const std::string& name) const {
  if (::mkdirat(descriptor_.get(), name.c_str(), folder_mode) != 0) {
    if (errno != EEXIST) return failed("make a subfolder");
  } else if (const auto synced = sync(); !synced) {
    return Failure{synced.error()};
  }
  return folder(name);
}

Result<FileDescriptor, FileError> FolderHandle::file(const std::string& name) const {
  // Not to hang on a pipe that was put in the file's place.
  FileDescriptor opened(open_part(descriptor_.get(), name, O_RDONLY | O_NONBLOCK));
  if (!opened.valid()) return failed("open a file");
  const auto seen = seen_of(opened.get(), "", AT_EMPTY_PATH);
  if (!seen) return Failure{seen.error()};
  if (seen->mount != mount_) return failed("open a file", EXDEV);
  if (seen->entry.kind != FolderEntry::Kind::file) return failed("open a file", EINVAL);
  return opened;
}

Result<FolderEntry, FileError> FolderHandle::look(const std::string& name) const {
  const auto seen = seen_of(descriptor_.get(), name.c_str(), 0);
  if (!seen) return Failure{seen.error()};
  return seen->entry;
}

Result<void, FileError> FolderHandle::rename(const std::string& name, const FolderHandle& to,
                                             const std::string& new_name) const {
  const int from_folder = descriptor_.get();
  const int to_folder = to.descriptor_.get();
  if (::renameat2(from_folder, name.c_str(), to_folder, new_name.c_str(), RENAME_NOREPLACE) == 0) return {};
  if (errno != EINVAL && errno != ENOSYS) return failed("move a file");
  return rename_onto_placeholder(from_folder, name.c_str(), to_folder, new_name.c_str());
}

Result<void, FileError> FolderHandle::create(const std::string& name, std::string_view text) const {
  const FileDescriptor made(open_part(descriptor_.get(), name, O_WRONLY | O_CREAT | O_EXCL, file_mode));
  if (!made.valid()) return failed("make a file");
  auto written = write_all(made.get(), text);
  if (written && ::fsync(made.get()) != 0) written = failed("fsync a file");
  if (!written) ::unlinkat(descriptor_.get(), name.c_str(), 0);
  return written;
}

Result<void, FileError> FolderHandle::remove(const std::string& name) const {
  if (::unlinkat(descriptor_.get(), name.c_str(), 0) == 0 || errno == ENOENT) return {};
  return failed("erase a file");
}

Result<void, FileError> FolderHandle::remove_folder(const std::string& name) const {
  if (::unlinkat(descriptor_.get(), name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
  return failed("erase a subfolder");
}

Result<void, FileError> FolderHandle::sync() const {
  while (::fsync(descriptor_.get()) != 0) {
    if (errno == EINVAL) return {};  // a file system that has no fsync for folders
    if (errno != EINTR) return failed("fsync a folder");
  }
  return {};
}

Result<void, FileError> FolderHandle::each_name(const std::function<bool(const std::string&)>& visit) const {
  // A description of its own, so that each reading begins at the start.
  const int again = open_part(descriptor_.get(), ".", O_RDONLY | O_DIRECTORY);
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(again >= 0 ? ::fdopendir(again) : nullptr, &::closedir);
  if (!stream) return failed("read a folder");
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());  // NOLINT(concurrency-mt-unsafe): a stream of this call alone
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (name != "." && name != ".." && !visit(name)) return {};
  }
  if (errno != 0) return failed("read a folder");
  return {};
}

Result<FileIdentity, FileError> identity_of(int descriptor) {
  const auto seen = seen_of(descriptor, "", AT_EMPTY_PATH);
  if (!seen) return Failure{seen.error()};
  return seen->entry.identity;
}

}  // namespace relay
