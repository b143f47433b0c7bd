// How one delivery is changed by hand: the rows and totals of each change, within one transaction of the writer's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "journal/claim_hold.hpp"
#include "journal/command.hpp"
#include "journal/payload_cipher.hpp"
#include "journal/submission_rows.hpp"

namespace relay {

// A delivery as it stands in its row.
struct StandingDelivery {
  DestinationNumber destination = 0;
  std::string name;  // of the destination
  DeliveryState state = DeliveryState::queued;
  std::int64_t due = 0;  // of a queued one
  std::int64_t position = 0;
  unsigned attempts = 0;
  unsigned recorded = 0;
  bool possibly_delivered = false;
  unsigned resends = 0;
  std::optional<WallTime> interrupted_since{};  // the start of a try was saved then, and its end wasn't
  WallTime ended_at{};                          // of one that has ended
};

class DeliveryChanges {
 public:
  DeliveryChanges(WriteTransaction& transaction, const PayloadCipher& cipher)
      : transaction_(transaction), cipher_(cipher) {}

  // In the order of the route.
  std::vector<StandingDelivery> all(const SubmissionRow& row);
  std::optional<StandingDelivery> at(const SubmissionRow& row, DestinationNumber destination);
  bool payload_erased(const SubmissionRow& row);

  // A dead letter, at its place among what is open, as if it had just been queued.
  void retry(const SubmissionRow& row, const StandingDelivery& delivery);
  // A delivered one; what comes is a repeat for the destination.
  void resend(const SubmissionRow& row, const StandingDelivery& delivery);
  // A queued one that isn't in flight.
  void set_aside(const SubmissionRow& row, const StandingDelivery& standing);
  // A queued one that isn't in flight, or a dead letter.
  void discard(const SubmissionRow& row, const StandingDelivery& standing, const std::string& reason);
  // Likewise, to a destination that has no delivery of that submission. Its tries go with it, and say where they were.
  void redirect(const SubmissionRow& row, const StandingDelivery& standing, DestinationNumber to);

 private:
  TotalsRow& totals(DestinationNumber destination) { return transaction_.state.totals.of(destination); }
  // The try of one that was cut off gets its place in the history: what comes may be a repeat.
  StandingDelivery end_interrupted(const SubmissionRow& row, StandingDelivery delivery);
  void queue(const SubmissionRow& row, const StandingDelivery& delivery);
  // Takes the delivery's row away, whatever its state.
  void take_out(const SubmissionRow& row, const StandingDelivery& delivery);
  void move_history(const SubmissionRow& row, const StandingDelivery& delivery, DestinationNumber to);

  WriteTransaction& transaction_;
  const PayloadCipher& cipher_;
};

}  // namespace relay
