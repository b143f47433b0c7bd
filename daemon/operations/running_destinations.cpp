#include "operations/running_destinations.hpp"

#include <algorithm>

namespace relay {

std::function<bool(const Submission&)> RunningDestinations::what_it_takes(const std::string& name) const {
  const auto found = limits_.find(name);
  const DestinationLimits limits = found == limits_.end() ? DestinationLimits{} : found->second;
  return [limits](const Submission& submission) {
    const auto& types = limits.content_types;
    return submission.size <= limits.max_payload &&
           (types.empty() || std::find(types.begin(), types.end(), submission.content_type) != types.end());
  };
}

}  // namespace relay
