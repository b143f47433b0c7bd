// The start of an attempt, saved before anything is sent: for destinations that can be asked later what became of it.
// A start without an end, found when the delivery is claimed again, is an attempt whose outcome isn't known.
#pragma once

#include "journal/claims.hpp"
#include "journal/command.hpp"

namespace relay {

// Where a claimed delivery's open row stands now: its `due` may have been brought nearer since it was claimed. Nothing
// where it isn't open any more.
std::optional<std::int64_t> current_due(WriteTransaction& transaction, const ClaimedDelivery& delivery);

class AttemptStartCommand : public Command {
 public:
  // `delivery`: what the claim set has for the token; nothing where it is stale.
  AttemptStartCommand(std::optional<ClaimedDelivery> delivery, AttemptStart start, SettleCallback callback)
      : delivery_(std::move(delivery)), start_(start), callback_(std::move(callback)) {}
  Urgency urgency() const override { return Urgency::first; }
  bool changes_anything() const override { return delivery_.has_value(); }
  void apply(WriteTransaction& transaction) override;
  void committed() override;
  // Not kept: without it nothing is sent.
  Fate not_saved(AppendRefusal why) override;

 private:
  const std::optional<ClaimedDelivery> delivery_;
  const AttemptStart start_;
  const SettleCallback callback_;
  bool gone_ = false;
};

}  // namespace relay
