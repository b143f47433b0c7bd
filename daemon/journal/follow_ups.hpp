// What destinations are asked after a delivery: which ones are due, what they said, how many are late or went wrong.
//
// It all stands in the delivery's row of table `record`: a delivery that is sent again loses it with the row. A row is
// asked about while it has a `follow_up_due`.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "journal/command.hpp"
#include "journal/confirmations.hpp"
#include "journal/database.hpp"
#include "journal/submission_rows.hpp"

namespace relay {

class FollowUpReader {
 public:
  // `cipher` outlives it.
  FollowUpReader(Connection& connection, const PayloadCipher& cipher);

  // The ones longest due, at most `count`.
  std::vector<FollowUp> due(DestinationNumber destination, WallTime now, std::size_t count);
  std::optional<WallTime> next_due(DestinationNumber destination);
  ConfirmationCounts counts(DestinationNumber destination, WallTime now);

 private:
  Receipt receipt_of(DestinationNumber destination, std::int64_t seq);

  Statement due_;
  Statement next_due_;
  Statement late_;
  Statement failed_;
  Statement receipt_;
  SubmissionReader submissions_;
};

// Saves what was said. One that was sent again meanwhile, or erased, is left alone.
class FollowUpCommand : public Command {
 public:
  FollowUpCommand(DestinationNumber destination, FollowUpNews news, FollowUpCallback callback)
      : destination_(destination), news_(std::move(news)), callback_(std::move(callback)) {}
  Urgency urgency() const override { return Urgency::first; }
  void apply(WriteTransaction& transaction) override;
  void committed() override { callback_(true); }
  Fate not_saved(AppendRefusal) override {
    callback_(false);
    return Fate::done;
  }

 private:
  const DestinationNumber destination_;
  const FollowUpNews news_;
  const FollowUpCallback callback_;
};

}  // namespace relay
