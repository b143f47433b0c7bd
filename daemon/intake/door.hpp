// Door: one way in that opens and closes while the relay runs, as a reload of the configuration asks: an HTTP or MLLP
// listener, a watched folder, a queue. Each is made closed. Used by one thread at a time but for what says otherwise.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.hpp"

namespace relay {

class Door {
 public:
  virtual ~Door() = default;
  // Binds, or begins to watch. The error says what is wrong and the way out.
  virtual Result<void> start() = 0;
  // Takes nothing new from here on; `drained` runs once, on a thread of the door's, when what was under way has ended.
  // Returns at once. May be called again.
  virtual void stop(std::function<void()> drained) = 0;
  // Cuts what is still under way, so that `drained` runs soon.
  virtual void close_all() = 0;
  // After close_all(): whether nothing of it runs any more. What the kernel holds, in a share that hangs, can't be cut.
  virtual bool ended() const { return true; }
  // Why nothing comes in there now, for people; any thread.
  virtual std::optional<std::string> trouble() const { return std::nullopt; }
};

}  // namespace relay
