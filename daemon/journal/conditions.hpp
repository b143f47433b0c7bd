// What lanes say about their destinations, kept in memory and merged into every queued delivery that is shown.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "journal/journal.hpp"

namespace relay {

// Thread-safe.
class ConditionBoard {
 public:
  void set(const std::string& destination, DestinationCondition condition);
  std::map<std::string, DestinationCondition> all() const;
  // While its circuit is open, a queued delivery waits for the next probe, whatever its own last try said.
  void merge_into(SubmissionView& view) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, DestinationCondition> conditions_;
};

}  // namespace relay
