#include "intake/folder_trouble.hpp"

#include <cerrno>

#include "base/log.hpp"
#include "base/read_only_advice.hpp"

namespace relay {
namespace {

constexpr std::chrono::minutes said_again_after{30};

}  // namespace

std::string folder_advice(const FileError& error, const std::string& folder) {
  switch (error.error_number) {
    case EROFS:
    case EACCES:
    case EPERM:
      return "let the relay's user read and write it" + read_only_advice(folder);
    case ENOENT:
    case ENOTDIR:
      return "make the folder, or mount the share";
    case ELOOP:
      return "done, failed and clients' subfolders must be folders, not symbolic links";
    case EXDEV:
      return "done, failed and clients' subfolders must lie on the folder's own file system";
    case ENOSPC:
    case EDQUOT:
      return "make room on its disk";
    case EOVERFLOW:
      return "take away subfolders that are done with, empty ones too";
    default:
      return "look at its disk or share";
  }
}

void FolderTrouble::is(const FileError& error) {
  const std::lock_guard lock(mutex_);
  const MonotonicTime at = clock_.monotonic_now();
  if (message_ == error.message && at - said_at_ < said_again_after) return;
  message_ = error.message;
  said_at_ = at;
  log_error("files of a watched folder can't be taken",
            {{"folder", folder_}, {"error", error.message}, {"advice", folder_advice(error, folder_)}});
}

void FolderTrouble::over() {
  const std::lock_guard lock(mutex_);
  if (!message_) return;
  message_.reset();
  log_info("files of a watched folder can be taken again", {{"folder", folder_}});
}

std::optional<std::string> FolderTrouble::now() const {
  const std::lock_guard lock(mutex_);
  return message_;
}

}  // namespace relay
