// Doors: every way in of the running configuration, and how another configuration takes over: what stays goes on with
// its connections, what is new opens first, what is gone takes nothing new and ends when its last request has.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/result.hpp"
#include "intake/door.hpp"

namespace relay {

// One door that a configuration asks for.
struct DoorPlan {
  std::string name;  // "http 127.0.0.1:8870": two configurations' doors of one name are the same door
  std::string key;   // where it stands: "intake.http[0]"
  Digest print;      // of all that the configuration says of it
  std::function<std::unique_ptr<Door>()> make;
  // Takes the new configuration over while it is open; nothing: it is closed and opened again.
  std::function<void(Door&)> change{};
};

// Used by one thread at a time.
class Doors {
 public:
  // Opens every one; on an error those that are open stay so until stop().
  Result<void> open(std::vector<DoorPlan> plans);

  // From the open doors to those of `plans`. First opens what is new: an error then means that nothing was changed.
  // Then runs `switch_over` (what the doors hand over to changes there), and then changes and closes the others.
  // Returns the keys of what couldn't take the new configuration over: a restart is needed for those.
  Result<std::vector<std::string>> replace(std::vector<DoorPlan> plans, const std::function<void()>& switch_over);

  // All take nothing new; waits until what was under way has ended, and cuts what is left at the deadline. Returns the
  // names of those that something of runs still: the process must end without destroying what they use.
  std::vector<std::string> stop(std::chrono::steady_clock::time_point deadline);

  // Why nothing comes in through some of them now, a line each: "folder /srv/out: …". Any thread.
  std::vector<std::string> troubles() const;

 private:
  struct Open {
    DoorPlan plan;
    std::shared_ptr<Door> door;
  };

  struct Closing {
    std::string name;
    std::shared_ptr<Door> door;
    std::shared_ptr<std::atomic<bool>> ended;
  };

  static Result<Open> start(DoorPlan plan);
  static std::optional<Open> start_soon(const DoorPlan& plan);
  void close(Open& leaving, std::function<void()> drained);
  void close_and_wait(Open& leaving);

  std::vector<Open> take_open();
  void set_open(std::vector<Open> open);

  mutable std::mutex open_mutex_;  // of open_, which troubles() reads
  std::vector<Open> open_;
  std::vector<Closing> closing_;  // until what they have under way has ended
};

}  // namespace relay
