// How long files stay in done/ (`keep_done`).
#pragma once

#include <chrono>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "intake/folder_handle.hpp"

namespace relay {

// Erases files of done/YYYY-MM-DD/ that were put there that long ago, and such folders once they are empty. A bounded
// number a call; true where there may be more. Folders of other names stay.
Result<bool, FileError> erase_old_done_files(const FolderHandle& root, std::chrono::milliseconds keep, WallTime now);

}  // namespace relay
