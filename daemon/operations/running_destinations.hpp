// What operators' requests need to know of the destinations that the relay runs with, and how its lanes hear of what
// was done. The operations thread alone.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "forwarder/forwarder.hpp"
#include "submission/limits.hpp"
#include "submission/submission.hpp"

namespace relay {

class RunningDestinations {
 public:
  using Limits = std::map<std::string, DestinationLimits>;

  // `forwarder` outlives it. `limits` has every configured destination.
  RunningDestinations(Forwarder& forwarder, Limits limits) : forwarder_(forwarder), limits_(std::move(limits)) {}
  // After a reload.
  void set_limits(Limits limits) { limits_ = std::move(limits); }

  bool configured(const std::string& name) const { return limits_.contains(name); }
  // Whether that one takes a submission by type and size; the answer may be asked on any thread, and keeps nothing of
  // this.
  std::function<bool(const Submission&)> what_it_takes(const std::string& name) const;
  void resumed(const std::string& name) { forwarder_.resume(name); }
  void taken_away(const std::string& name, const SubmissionId& id) { forwarder_.taken_away(name, id); }

 private:
  Forwarder& forwarder_;
  Limits limits_;
};

}  // namespace relay
