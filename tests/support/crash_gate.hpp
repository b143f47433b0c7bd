// The gate behind every crash and every fault: the journal opens, `verify` is clean, and everything a client or a lane
// was told still holds (JournalModel).
#pragma once

#include <filesystem>
#include <functional>
#include <random>
#include <string>

#include "journal/journal.hpp"
#include "support/journal_model.hpp"
#include "support/stepped_clock.hpp"

namespace relay {

// A folder of its own for a journal's lock file (the database is in memory), removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// A journal in that folder, over that VFS, for the model's destinations.
JournalOptions crash_journal_options(const std::filesystem::path& folder, const std::string& vfs,
                                     const JournalModel& model);

struct GateOptions {
  bool exact = false;  // the journal was closed in good order: counters are complete too
  bool older = false;  // an earlier version wrote it: `verify` has to wait until it was opened
  bool drain = false;  // deliver everything that is queued, and see that nothing is left over
  // Runs before the journal is closed.
  std::function<void()> before_close{};
};

void pass_gate(const JournalOptions& options, JournalModel& model, SteppedClock& clock, std::mt19937_64& random,
               const GateOptions& gate, JournalModel::Findings& findings);

}  // namespace relay
