// The drop folder's door (contract, "Folder intake"): takes complete files, each with a note "to be moved" in the same
// transaction, and moves them to done/ or failed/. One instance a watched folder, each with a thread of its own: a
// share that hangs stops nobody else.
//
// A thread that the kernel holds in a hanging share can't be ended. Stopping doesn't wait for it: the process then ends
// without, which the journal and the notes stand as they stand a crash.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "intake/door.hpp"
#include "intake/receiver.hpp"
#include "journal/journal.hpp"
#include "settings/folder_settings.hpp"

namespace relay {

class FolderIntake final : public Door {
 public:
  // `thread_name` at most 15 characters ("folder-0"). Receiver, journal and clock outlive it.
  FolderIntake(const FolderSettings& settings, std::string thread_name, Receiver& receiver, Journal& journal,
               const Clock& clock);
  // Ends the thread, after the file that is under way, however long that takes.
  ~FolderIntake() override;

  // A folder that can't be used is no error: it is tried again and again, and said in the log. One that another door of
  // this process still works on is. Throws std::system_error where no thread is left.
  Result<void> start() override;
  // `drained` runs once the file under way is in the journal and moved; at once where it was never started.
  void stop(std::function<void()> drained) override;
  // Waits a moment for the file that is under way.
  void close_all() override;
  bool ended() const override;

  const FolderSettings& settings() const;
  // Why its files can't be taken now; any thread.
  std::optional<std::string> trouble() const override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace relay
