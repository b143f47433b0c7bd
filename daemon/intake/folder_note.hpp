// The note that goes into the journal with a file's submission (Journal::pending_moves): which file it was. After a
// crash it tells the file that is in the journal from one that was put there later.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "intake/folder_handle.hpp"

namespace relay {

struct FolderNote {
  std::filesystem::path watched;    // the watched folder, as configured
  std::uint64_t watched_inode = 0;  // tells it from the empty folder that is there while a share isn't mounted
  std::string folder;               // below it
  std::string name;
  std::string marker;  // empty: none is to be erased
  FileIdentity identity;
};

// "1", then every field behind a space; texts in hexadecimal, since a name may be any bytes.
std::string note_text(const FolderNote& note);
// Nothing for what isn't such a text.
std::optional<FolderNote> parse_note(std::string_view text);

}  // namespace relay
