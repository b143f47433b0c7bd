// Waits until something may have happened in a watched folder: inotify(7), which says so at once on local disks and
// nothing on most shares. It only ever ends a wait early; what is there is found by looking.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "intake/folder_handle.hpp"

namespace relay {

// Of one thread, but for wake().
class FolderWatch {
 public:
  // Throws std::system_error where there is no descriptor left for it.
  FolderWatch();

  // Those folders below `root` are watched from now on. True where one wasn't before: what came into it between being
  // listed and being watched gave no event.
  bool watch(const FolderHandle& root, const std::vector<std::string>& folders);

  // Until something happened, wake(), or that time. An overflow of events counts as something.
  void wait_until(const Clock& clock, MonotonicTime until);
  // Until wake() or that time.
  void rest_until(const Clock& clock, MonotonicTime until);
  // Any thread; ends this wait or the next.
  void wake();

 private:
  bool events_of_interest();
  void wait(const Clock& clock, MonotonicTime until, bool for_events);

  FileDescriptor wakes_;
  FileDescriptor events_;  // invalid where inotify can't be had
  std::set<int> watched_;
  std::uint64_t root_ = 0;
  bool said_blind_ = false;
};

}  // namespace relay
