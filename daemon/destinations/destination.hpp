// Destination: a system that takes submissions over. Never sees the journal. Called from its lane's thread only, but
// for wake(). A new system is one file, one settings struct, one line in registry.cpp, and the conformance suite.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "submission/confirmation.hpp"
#include "submission/limits.hpp"
#include "submission/outcome.hpp"
#include "submission/payload_source.hpp"
#include "submission/submission.hpp"

namespace relay {

struct Delivery {
  std::uint64_t attempt = 0;  // names this try; unique within the lane
  Submission submission;
  std::shared_ptr<PayloadSource> payload;
  unsigned attempts_before = 0;
  bool possibly_delivered = false;  // an earlier try's outcome was unknown
  // Of a look: when the earliest try whose outcome is unknown began.
  std::optional<WallTime> unknown_since{};
  // Likewise: of tries that were accepted before an operator had it sent again. Finding those proves nothing.
  std::vector<Receipt> earlier_receipts{};
};

// What a look after earlier tries found.
enum class Presence {
  there,        // one of them arrived; the result holds the receipt
  absent,       // none is there now; one may still be under way
  cannot_tell,  // the destination doesn't say
};

struct DeliveryResult {
  std::uint64_t attempt = 0;
  AttemptResult result;
  // Of a look alone; nothing there: it couldn't be made, for the reason in `result`.
  std::optional<Presence> presence{};
};

// One finding of `check --connect`.
struct ProbeFinding {
  enum class Kind { good, bad, not_checked } kind = Kind::good;
  std::string text;  // one line, no secret
};

class Destination {
 public:
  virtual ~Destination() = default;

  virtual DestinationLimits limits() const = 0;
  // Takes the delivery on; never blocks. Its one result comes out of a later poll().
  virtual void start(Delivery delivery) = 0;
  // Moves what is in flight on (follow-ups, too), waiting up to `timeout` for something to happen.
  virtual std::vector<DeliveryResult> poll(std::chrono::milliseconds timeout) = 0;
  // Tries and looks, without follow-ups.
  virtual std::size_t in_flight() const = 0;

  // Whether it can be asked what became of a try that had no answer. Where it can, the start of every try is saved
  // before start() is called.
  virtual bool reconciles() const { return false; }
  // Asks whether an earlier try of this delivery arrived. Its one result comes out of a later poll(), with `presence`.
  virtual void reconcile(Delivery delivery);
  // Whether it can be asked later what became of what it took over.
  virtual bool follows_up() const { return false; }
  // Asks that; never blocks. Its answer comes out of a later take_follow_ups().
  virtual void follow_up(FollowUp delivered);
  // What poll() has brought of those.
  virtual std::vector<FollowUpAnswer> take_follow_ups() { return {}; }

  // Ends every try without a result (the grace of a stop is over).
  virtual void cancel_all() = 0;
  // Signs in and looks whether a submission would be taken, sending none. Blocks, bounded by the configured timeout.
  virtual std::vector<ProbeFinding> probe() = 0;
  // Thread-safe: ends a poll() that waits.
  virtual void wake() = 0;
};

}  // namespace relay
