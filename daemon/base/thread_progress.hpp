// ThreadProgress: how a thread shows that it works, for a watchdog that reads it: by completing turns of its loop.
// A thread that is stuck completes none, whatever it is stuck in, and a stall becomes a failure that people see.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace relay {

struct StalledThread {
  std::string name;
  std::chrono::milliseconds since_turn{0};
  // How long it has been waiting for the disk in one call, where it is: fsync can't be bounded.
  std::optional<std::chrono::milliseconds> in_disk_write{};
  // It works on files of somebody else's, such as a share, whose calls can't be bounded either.
  bool in_foreign_files = false;
};

class ThreadProgress {
 public:
  // Enters the calling thread into the process's list, under that name, until the object goes. Make it on the thread
  // it is about; a thread whose loop may rest for long says turn() at least every few seconds.
  explicit ThreadProgress(std::string name);
  ~ThreadProgress();
  ThreadProgress(const ThreadProgress&) = delete;
  ThreadProgress& operator=(const ThreadProgress&) = delete;

  // The thread itself: one more turn is complete.
  void turn() noexcept;

  // One more turn of the calling thread, where it shows progress; for what is called from its loop and takes long.
  static void step() noexcept;

  // While it lives, the thread that made it waits for the disk. Nothing on a thread that shows no progress. Not nested.
  class DiskWrite {
   public:
    DiskWrite();
    ~DiskWrite();
    DiskWrite(const DiskWrite&) = delete;
    DiskWrite& operator=(const DiskWrite&) = delete;
  };

  // While it lives, the thread that made it works on files of somebody else's. Nothing on a thread that shows no
  // progress. Not nested.
  class ForeignFiles {
   public:
    ForeignFiles();
    ~ForeignFiles();
    ForeignFiles(const ForeignFiles&) = delete;
    ForeignFiles& operator=(const ForeignFiles&) = delete;
  };

  struct State;

 private:
  const std::shared_ptr<State> state_;
};

// Every listed thread whose last turn is longer ago than `limit`, the longest first. Any thread.
std::vector<StalledThread> stalled_threads(std::chrono::milliseconds limit);

}  // namespace relay
