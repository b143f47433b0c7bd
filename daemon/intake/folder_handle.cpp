#include "intake/folder_handle.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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

int open_beneath(int folder, const char* name, int flags, unsigned mode = 0) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC | O_NOCTTY);
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  for (;;) {
    const long opened = ::syscall(SYS_openat2, folder, name, &how, sizeof how);
    // EAGAIN: something was renamed while it looked whether it stayed beneath.
    if (opened >= 0 || (errno != EINTR && errno != EAGAIN)) return static_cast<int>(opened);
  }
}

std::int64_t nanoseconds(const statx_timestamp& time) {
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

Result<FolderEntry, FileError> entry_of(int folder, const char* name, int flags) {
  struct statx status {};
  if (::statx(folder, name, flags | AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &status) != 0) {
    return failed("look at a file");
  }
  FolderEntry entry;
  if (S_ISREG(status.stx_mode)) entry.kind = FolderEntry::Kind::file;
  if (S_ISDIR(status.stx_mode)) entry.kind = FolderEntry::Kind::folder;
  entry.identity = {status.stx_ino, (status.stx_mask & STATX_BTIME) != 0 ? nanoseconds(status.stx_btime) : 0,
                    status.stx_size, nanoseconds(status.stx_mtime), nanoseconds(status.stx_ctime)};
  return entry;
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
  const auto entry = entry_of(descriptor.get(), "", AT_EMPTY_PATH);
  if (!entry) return Failure{entry.error()};
  return FolderHandle(std::move(descriptor), entry->identity.inode);
}

Result<FolderHandle, FileError> FolderHandle::open(const std::filesystem::path& path) {
  auto opened = open_file(path, O_RDONLY | O_DIRECTORY);
  if (!opened) return Failure{opened.error()};
  return of(std::move(*opened));
}

Result<FolderHandle, FileError> FolderHandle::folder(const std::string& relative) const {
  FileDescriptor opened(
      open_beneath(descriptor_.get(), relative.empty() ? "." : relative.c_str(), O_RDONLY | O_DIRECTORY));
  if (!opened.valid()) return failed("open a subfolder");
  return of(std::move(opened));
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
  FileDescriptor opened(open_beneath(descriptor_.get(), name.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW));
  if (!opened.valid()) return failed("open a file");
  const auto entry = entry_of(opened.get(), "", AT_EMPTY_PATH);
  if (!entry) return Failure{entry.error()};
  if (entry->kind != FolderEntry::Kind::file) return failed("open a file", EINVAL);
  return opened;
}

Result<FolderEntry, FileError> FolderHandle::look(const std::string& name) const {
  return entry_of(descriptor_.get(), name.c_str(), 0);
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
  const FileDescriptor made(open_beneath(descriptor_.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL, file_mode));
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
  const int again = open_beneath(descriptor_.get(), ".", O_RDONLY | O_DIRECTORY);
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
  const auto entry = entry_of(descriptor, "", AT_EMPTY_PATH);
  if (!entry) return Failure{entry.error()};
  return entry->identity;
}

}  // namespace relay
