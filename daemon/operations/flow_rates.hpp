// FlowRates: how much came and went over the last minute, from the journal's totals looked at now and then.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "journal/journal.hpp"

namespace relay {

struct FlowRate {
  double accepted_per_minute = 0;
  double delivered_per_minute = 0;
};

class FlowRates {
 public:
  void look(MonotonicTime at, const JournalSnapshot& snapshot);
  // Nothing before the second look.
  std::optional<FlowRate> of(const std::string& destination) const;

 private:
  struct Sample {
    MonotonicTime at;
    std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> accepted_and_delivered;
  };
  std::deque<Sample> samples_;
};

}  // namespace relay
