// AlarmBoard: which alarms are raised and since when. Until an alarm has channels of its own, raising one is one error
// line in the log with `alarm=<name>`, its end one info line. Belongs to the operations thread.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "operations/health.hpp"

namespace relay {

class AlarmBoard {
 public:
  // Takes what one look found, logs what is new or over, and sets `since` to when each was first seen.
  void update(std::vector<Alarm>& alarms);

 private:
  std::map<std::pair<std::string, std::string>, WallTime> raised_;  // name and destination
};

}  // namespace relay
