// An operator's change to many deliveries, in slices: each a short transaction of its own, so that submissions and
// outcomes get in between. What is done stays done; one row of the audit counts all of it.
#pragma once

#include <memory>
#include <string>

#include "journal/delivery_changes.hpp"
#include "journal/operator_command.hpp"

namespace relay {

class BulkAction {
 public:
  // How far it has come. A slice works on a copy, which counts once it is durable.
  struct Progress {
    int phase = 0;
    std::size_t destination = 0;  // place in the totals
    std::int64_t time = 0;        // due or ended_at
    std::int64_t seq = 0;
    std::string client;
    std::uint64_t changed = 0;
    std::uint64_t left = 0;
    bool over = false;
    std::optional<ActionRefusal> refusal{};

    void next_phase() {
      ++phase;
      destination = 0;
      time = seq = 0;
      client.clear();
    }
  };

  BulkAction(const ActionParts& parts, AuditRow audit, ActionCallback callback)
      : parts_(parts), audit_(std::move(audit)), callback_(std::move(callback)) {}
  virtual ~BulkAction() = default;

  // Begins it; it goes on by itself to its end.
  static void start(std::shared_ptr<BulkAction> action);

 protected:
  static constexpr std::size_t slice_size = 200;       // deliveries changed
  static constexpr std::size_t rows_looked_at = 1000;  // where few of them fit

  // Moves `progress` on. Says `over` at its end.
  virtual void slice(WriteTransaction& transaction, ClaimHold& hold, Progress& progress) = 0;

  const ActionParts parts_;

 private:
  friend class SliceCommand;
  AuditRow audit_;
  ActionCallback callback_;
  Progress progress_;
};

}  // namespace relay
