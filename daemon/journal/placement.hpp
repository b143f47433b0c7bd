// Where a journal may lie: on which file systems, readable by whom.
#pragma once

#include <optional>
#include <string>

#include "journal/journal.hpp"

namespace relay {

// Why a journal can't be kept on a file system with that magic number (statfs(2)), as the end of a sentence.
std::optional<std::string> refuse_file_system(std::uint64_t magic, bool allow_tmpfs);

// Looks at the folder and at the files that are there already; nothing where all is well.
std::optional<JournalOpenFailure> check_placement(const JournalOptions& options);

}  // namespace relay
