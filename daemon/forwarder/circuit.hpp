// Circuit: whether the lane may send. Closed, everything goes; open, one probe at a time goes at the back-off. A pure
// function of what it is told and when; the lane starts the probes.
//
//   closed --broken, or five tries in a row without an answer, or ten refusals without an accept--> open
//   open   --anything accepted, or a probe refused (an answer about one payload, from a working destination)--> closed
//
// In a circuit that is open because everything was refused, a refusal isn't believed: it is told to the caller as
// "keep it queued", and only an accept closes.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "forwarder/moment.hpp"
#include "forwarder/schedule.hpp"
#include "submission/outcome.hpp"

namespace relay {

enum class CircuitCause { broken, no_answer, refusing_everything };

class Circuit {
 public:
  static constexpr unsigned refusals_that_open = 10;
  static constexpr unsigned silences_that_open = 5;

  struct Opening {
    std::uint64_t number = 0;  // tells this opening from an earlier one
    CircuitCause cause = CircuitCause::broken;
    DeliveryError error;  // the latest that keeps it open
    Moment since;
    Moment next_probe;
    unsigned failed_probes = 0;
  };

  Circuit(const BackoffSettings& backoff, Jitter jitter) : backoff_(backoff), jitter_(std::move(jitter)) {}

  bool is_open() const { return opening_.has_value(); }
  // Nothing while closed.
  const std::optional<Opening>& opening() const { return opening_; }

  void accepted();
  enum class Refusal { dead_letter, keep_queued };
  // `order_number`: by which it is ordered; empty: by none. Refusals of one order follow from each other, so they count
  // as one.
  Refusal refused(const DeliveryError& error, bool probe, Moment now, const std::string& order_number = {});
  void try_later(const DeliveryError& error, bool probe, Moment now);
  void broken(const DeliveryError& error, bool probe, Moment now);
  void unknown(const DeliveryError& error, bool probe, Moment now);
  // An operator says that it works again.
  void close_by_hand() { accepted(); }
  // A try that says nothing about the destination: broken for this client or submission alone, or a corrupt payload.
  // `again_at_once`: the probe it was is made up for without waiting.
  void inconclusive(bool probe, bool again_at_once, Moment now);

 private:
  void open(CircuitCause cause, const DeliveryError& error, Moment now);
  void probe_failed(Moment now);
  void schedule_probe(Moment now);

  BackoffSettings backoff_;
  Jitter jitter_;
  std::optional<Opening> opening_{};
  std::uint64_t openings_ = 0;
  unsigned refusals_ = 0;                 // since anything was accepted
  std::set<std::string> refused_orders_;  // of those, at most refusals_that_open
  unsigned silences_ = 0;                 // tries in a row whose outcome is unknown
};

}  // namespace relay
