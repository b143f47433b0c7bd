// One file of a watched folder on its way through the receiver into the journal. Waits: for a thread that has nothing
// else to do.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "intake/folder_handle.hpp"
#include "intake/folder_listing.hpp"
#include "intake/receiver.hpp"

namespace relay {

struct FileHasNul {
  std::uint64_t offset = 0;  // of the first
};
struct FileChanged {};  // since it was found, or while it was read: nothing of it was kept
struct FileUnreadable {
  FileError error;
};
// Appended: it is in the journal, fsynced, with its note.
using FileReading = std::variant<Appended, FileHasNul, FileChanged, FileUnreadable, RequestProblem>;

struct FileSubmission {
  Arrival arrival;                        // with note; size and identity are the file's
  FileIdentity identity;                  // what it must still be
  bool nul_is_incomplete = false;         // an HL7 or CSV file
  std::optional<std::uint64_t> nul_at{};  // looked at first: where one was the last time
};
FileReading submit_file(Receiver& receiver, const FolderHandle& folder, const std::string& name,
                        FileSubmission submission);

}  // namespace relay
