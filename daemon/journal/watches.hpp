// Who waits for a submission to be no longer queued (Prefer: wait).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <vector>

#include "submission/submission.hpp"

namespace relay {

// Thread-safe. A watch runs once or, taken back in time, never; one that is being run while it is taken back still
// runs.
class WatchList {
 public:
  std::uint64_t add(const SubmissionId& id, std::function<void()> done);
  void remove(std::uint64_t watch);
  // Cheap where nobody waits for anything.
  bool any(const SubmissionId& id) const;
  // Takes out and runs those that wait for `id`.
  void run(const SubmissionId& id);

 private:
  struct Watch {
    SubmissionId id;
    std::function<void()> done;
  };
  mutable std::mutex mutex_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, Watch> watches_;
  std::multimap<SubmissionId, std::uint64_t> by_submission_;
  std::atomic<std::size_t> size_{0};
};

}  // namespace relay
