#include "journal/placement.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

#include "base/file.hpp"
#include "journal/lock_file.hpp"

namespace relay {

namespace {

using Kind = JournalOpenFailure::Kind;

// linux/magic.h, and statfs(2) for those that it leaves out.
constexpr std::uint64_t nfs = 0x6969;
constexpr std::uint64_t smb = 0x517B;
constexpr std::uint64_t cifs = 0xFF534D42;
constexpr std::uint64_t smb2 = 0xFE534D42;
constexpr std::uint64_t tmpfs = 0x01021994;
constexpr std::uint64_t ramfs = 0x858458F6;

std::filesystem::path folder_of(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? "." : folder;
}

std::optional<JournalOpenFailure> check_folder(const JournalOptions& options) {
  const std::string folder = folder_of(options.path).string();
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) {
    if (errno == ENOENT) {
      return JournalOpenFailure{
          Kind::missing_part, fmt::format("the journal's folder {} doesn't exist; make it (owned by the relay's user, "
                                          "mode 0700) or set journal.path",
                                          folder)};
    }
    return JournalOpenFailure{Kind::unreadable,
                              fmt::format("can't look at the journal's folder {}: {}", folder, error_text(errno))};
  }
  if (!S_ISDIR(status.st_mode)) {
    return JournalOpenFailure{Kind::misplaced, fmt::format("{} isn't a folder; set journal.path", folder)};
  }
  struct statfs file_system {};
  if (::statfs(folder.c_str(), &file_system) != 0) {
    return JournalOpenFailure{Kind::unreadable,
                              fmt::format("can't tell the file system of {}: {}", folder, error_text(errno))};
  }
  // f_type is signed and sign-extended on some machines.
  const auto magic = static_cast<std::uint64_t>(static_cast<std::uint32_t>(file_system.f_type));
  if (const auto why = refuse_file_system(magic, options.allow_tmpfs)) {
    return JournalOpenFailure{Kind::misplaced, fmt::format("the journal {} is on {}", options.path, *why)};
  }
  return std::nullopt;
}

std::optional<JournalOpenFailure> check_file(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return std::nullopt;
    return JournalOpenFailure{Kind::unreadable, fmt::format("can't look at {}: {}", path, error_text(errno))};
  }
  if (!S_ISREG(status.st_mode)) {
    return JournalOpenFailure{Kind::unreadable, fmt::format("{} isn't a regular file; set journal.path", path)};
  }
  if ((status.st_mode & (S_IROTH | S_IWOTH)) != 0) {
    return JournalOpenFailure{
        Kind::misplaced,
        fmt::format("{} can be read or written by everybody (mode {:04o}), and it holds patients' data; "
                    "`chmod o-rwx {}`",
                    path, status.st_mode & 07777, path)};
  }
  if (::access(path.c_str(), R_OK | W_OK) != 0) {
    return JournalOpenFailure{
        Kind::unreadable,
        fmt::format("can't read and write {}: {}; it must belong to the relay's user", path, error_text(errno))};
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> refuse_file_system(std::uint64_t magic, bool allow_tmpfs) {
  switch (magic) {
    case nfs:
      return "NFS, where neither locks nor fsync can be trusted; move it to a local disk (journal.path)";
    case smb:
    case cifs:
    case smb2:
      return "a Windows share (SMB), where neither locks nor fsync can be trusted; move it to a local disk "
             "(journal.path)";
    case tmpfs:
    case ramfs:
      if (allow_tmpfs) return std::nullopt;
      return "a file system in memory, which survives nothing; move it to a disk (journal.path), or for a test set "
             "journal.allow_tmpfs";
    default:
      return std::nullopt;
  }
}

std::optional<JournalOpenFailure> check_placement(const JournalOptions& options) {
  if (auto failure = check_folder(options)) return failure;
  // Another VFS keeps its files where it likes.
  const std::string lock = LockFile::path_for(options.path).string();
  for (const std::string& path : {options.path, options.path + "-wal", options.path + "-shm", lock}) {
    if (!options.vfs.empty() && path != lock) continue;
    if (auto failure = check_file(path)) return failure;
  }
  return std::nullopt;
}

}  // namespace relay
