// Settlement: how a claim ends. The attempt is recorded, and the delivery either waits for its next try or moves from
// the open ones into the record, in one transaction with the totals.
#pragma once

#include "journal/claims.hpp"
#include "journal/command.hpp"
#include "journal/payload_cipher.hpp"
#include "journal/turns.hpp"

namespace relay {

class SettleCommand : public Command {
 public:
  // Seals here, on the caller's thread. `delivery`: what begin_settlement() gave for the token; nothing where it was
  // stale.
  SettleCommand(ClaimToken token, std::optional<ClaimedDelivery> delivery, Settlement settlement,
                SettleCallback callback, const PayloadCipher& cipher, ClaimSet& claims);
  Urgency urgency() const override { return Urgency::first; }
  bool changes_anything() const override { return delivery_.has_value(); }
  // The next one of an order waits for this one's end.
  bool may_wait() const override { return delivery_.has_value() && !delivery_->ordered; }
  void apply(WriteTransaction& transaction) override;
  void committed() override;
  Fate not_saved(AppendRefusal why) override;

 private:
  // What is known of the delivery before this try.
  struct OpenRow {
    std::int64_t due = 0;
    std::int64_t position = 0;
    unsigned attempts = 0;
    unsigned tries = 0;
    unsigned recorded = 0;
    bool possibly_delivered = false;
    unsigned resends = 0;
    OrderColumns order;
  };
  std::optional<OpenRow> open_row(WriteTransaction& transaction);
  // Returns how many attempts are recorded then.
  unsigned record_attempt(WriteTransaction& transaction, const OpenRow& open);

  const ClaimToken token_;
  const std::optional<ClaimedDelivery> delivery_;
  const Settlement settlement_;
  std::optional<StoredText> remote_text_;
  SettleCallback callback_;  // empty once it has run
  ClaimSet& claims_;
  bool gone_ = false;  // the delivery isn't open any more
};

}  // namespace relay
