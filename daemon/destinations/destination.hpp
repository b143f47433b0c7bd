// Destination: a system that takes submissions over. Never sees the journal. Called from its lane's thread only, but
// for wake(). A new system is one file, one settings struct, one line in registry.cpp, and the conformance suite.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

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
};

struct DeliveryResult {
  std::uint64_t attempt = 0;
  AttemptResult result;
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
  // Moves what is in flight on, waiting up to `timeout` for something to happen.
  virtual std::vector<DeliveryResult> poll(std::chrono::milliseconds timeout) = 0;
  virtual std::size_t in_flight() const = 0;
  // Ends every try without a result (the grace of a stop is over).
  virtual void cancel_all() = 0;
  // Signs in and looks whether a submission would be taken, sending none. Blocks, bounded by the configured timeout.
  virtual std::vector<ProbeFinding> probe() = 0;
  // Thread-safe: ends a poll() that waits.
  virtual void wake() = 0;
};

}  // namespace relay
