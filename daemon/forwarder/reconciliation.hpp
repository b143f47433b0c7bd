// Reconciliation: what a lane remembers of deliveries whose tries had no answer, and what follows from a look after
// them. A function of what it is told and when; asks nobody.
//
// A delivery in doubt isn't sent before the destination was asked. Absence is believed when two looks agree, the last
// of them at least ten minutes after the try ended: the other side may still be working on the request. A look that
// can't be made for an hour longer than that is given up, and the delivery is sent again as a possible repeat.
#pragma once

#include <chrono>
#include <map>
#include <optional>

#include "forwarder/moment.hpp"
#include "submission/submission.hpp"

namespace relay {

class Reconciliation {
 public:
  static constexpr std::chrono::minutes settles_after{10};
  static constexpr std::chrono::hours gives_up_after{1};
  // Between two looks that could agree already.
  static constexpr std::chrono::seconds between_looks{1};
  // Bounds memory. Beyond it all are forgotten, and read from the history again.
  static constexpr std::size_t most = 10'000;

  struct Doubt {
    WallTime since{};          // when the earliest of those tries began
    MonotonicTime until{};     // when the last one ended
    bool absent_once = false;  // a look has found nothing
  };

  // A try ended without an answer.
  void unanswered(const SubmissionId& id, WallTime began, MonotonicTime ended);
  // Of an earlier process, as its history tells.
  void restored(const SubmissionId& id, Doubt doubt);
  // Nothing where it isn't in doubt, or was forgotten.
  std::optional<Doubt> doubt(const SubmissionId& id) const;
  // A look found nothing: how long to wait for the next one; nothing: it is proven absent.
  std::optional<std::chrono::milliseconds> absent(const SubmissionId& id, MonotonicTime now);
  // Whether a look that can't be made now is to be waited for.
  bool worth_waiting(const SubmissionId& id, MonotonicTime now) const;
  // Delivered, given up, or no longer in doubt.
  void ended(const SubmissionId& id) { doubts_.erase(id); }

 private:
  std::map<SubmissionId, Doubt> doubts_;
};

}  // namespace relay
