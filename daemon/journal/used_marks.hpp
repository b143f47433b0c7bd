// What was used once (use_once.hpp): a row each, until its time is over. Only a hash of a mark is kept, as of an
// idempotency key (idempotency.hpp).
#pragma once

#include <vector>

#include "journal/command.hpp"
#include "journal/idempotency.hpp"
#include "journal/use_once.hpp"

namespace relay {

class UseOnceCommand : public Command {
 public:
  UseOnceCommand(std::string_view mark, WallTime until, UseOnceCallback callback, const Uuid& journal_id,
                 const PayloadCipher& cipher);
  // Whoever waits for a token is in no hurry, and no token is promised on a full disk.
  Urgency urgency() const override { return Urgency::arrival; }
  void apply(WriteTransaction& transaction) override;
  void committed() override { callback_(first_); }
  Fate not_saved(AppendRefusal why) override;

 private:
  const std::vector<IdempotencyHash> hashes_;
  const WallTime until_;
  const UseOnceCallback callback_;
  bool first_ = false;
};

}  // namespace relay
