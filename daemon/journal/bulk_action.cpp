#include "journal/bulk_action.hpp"

#include <fmt/format.h>

namespace relay {

class SliceCommand : public Command {
 public:
  explicit SliceCommand(std::shared_ptr<BulkAction> action)
      : action_(std::move(action)), hold_(action_->parts_.claims, action_->parts_.claiming) {}
  Urgency urgency() const override { return Urgency::first; }

  void apply(WriteTransaction& transaction) override {
    hold_.release();
    action_->audit_.settled(false);
    next_ = action_->progress_;
    action_->slice(transaction, hold_, next_);
    const std::uint64_t changed = next_.changed - action_->progress_.changed;
    if (changed > 0) action_->audit_.write(transaction, changed);
  }

  void committed() override {
    hold_.release();
    action_->audit_.settled(true);
    action_->progress_ = next_;
    if (next_.refusal) {
      action_->callback_(Failure{*next_.refusal});
    } else if (next_.over) {
      action_->callback_(ActionDone{next_.changed, next_.left});
    } else if (action_->parts_.stopping) {
      end_early(ActionRefusal::Kind::stopping, "The relay is stopping");
    } else {
      BulkAction::start(action_);
    }
  }

  Fate not_saved(AppendRefusal) override {
    hold_.release();
    end_early(ActionRefusal::Kind::journal_failing, "The journal can't save this now");
    return Fate::done;
  }

 private:
  void end_early(ActionRefusal::Kind kind, std::string_view why) {
    action_->callback_(
        refuse_action(kind, fmt::format("{}; {} deliveries were changed before.", why, action_->progress_.changed)));
  }

  const std::shared_ptr<BulkAction> action_;
  ClaimHold hold_;
  BulkAction::Progress next_;
};

void BulkAction::start(std::shared_ptr<BulkAction> action) {
  Inbox& inbox = action->parts_.inbox;
  inbox.post(std::make_unique<SliceCommand>(std::move(action)));
}

}  // namespace relay
