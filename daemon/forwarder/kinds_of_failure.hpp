// KindsOfFailure: how often anything had been accepted when each kind of failure was first seen of one client or one
// delivery. The same kind again, with an accept between, is that one's own trouble and not the destination's.
#pragma once

#include <cstdint>
#include <map>

#include "submission/outcome.hpp"

namespace relay {

class KindsOfFailure {
 public:
  void seen(ErrorKind kind, std::uint64_t accepts) { accepts_at_first_.try_emplace(kind, accepts); }
  bool others_accepted_since(ErrorKind kind, std::uint64_t accepts) const {
    const auto found = accepts_at_first_.find(kind);
    return found != accepts_at_first_.end() && accepts > found->second;
  }

 private:
  std::map<ErrorKind, std::uint64_t> accepts_at_first_;
};

}  // namespace relay
