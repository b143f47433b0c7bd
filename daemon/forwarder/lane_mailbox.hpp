// LaneMailbox: what other threads have to tell a lane. They put it in and wake the lane's destination, whose wake()
// also ends a poll() that begins later; so nothing is missed between a look and a wait. Outlives the lane where a
// settlement's callback comes late.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/hand_over.hpp"
#include "journal/journal.hpp"

namespace relay {

struct SettlementNotice {
  SubmissionId submission;
  bool stays_queued = false;
  std::optional<SettleRefusal> refusal{};
};

// The start of an attempt is saved, or why it isn't.
struct StartNotice {
  std::uint64_t attempt = 0;
  std::optional<SettleRefusal> refusal{};
};

struct LaneMail {
  bool new_work = false;
  bool resume = false;                     // an operator says that the destination may be sent to again
  std::vector<SubmissionId> taken_away{};  // queued deliveries that an operator ended or moved
  std::vector<StartNotice> starts;
  std::vector<SubmissionId> follow_ups_saved;
  std::vector<SettlementNotice> settlements;
  std::optional<std::chrono::milliseconds> stop_within{};
};

class LaneMailbox : public std::enable_shared_from_this<LaneMailbox> {
 public:
  explicit LaneMailbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  // Any thread.
  void new_work() {
    put([](LaneMail& mail) { mail.new_work = true; }, Urgency::where_wanted);
  }
  void settled(SettlementNotice notice) {
    put([&](LaneMail& mail) { mail.settlements.push_back(notice); });
  }
  void resume() {
    put([](LaneMail& mail) { mail.resume = true; });
  }
  void taken_away(const SubmissionId& id) {
    put([&](LaneMail& mail) { mail.taken_away.push_back(id); });
  }
  void start_saved(StartNotice notice) {
    put([&](LaneMail& mail) { mail.starts.push_back(notice); });
  }
  void follow_up_saved(const SubmissionId& id) {
    put([&](LaneMail& mail) { mail.follow_ups_saved.push_back(id); });
  }
  void stop_within(std::chrono::milliseconds grace) {
    put([&](LaneMail& mail) { mail.stop_within = grace; });
  }

  // The lane.
  LaneMail take() {
    const std::lock_guard lock(mutex_);
    woken_ = false;
    return std::exchange(mail_, LaneMail{});
  }
  bool empty() const {
    const std::lock_guard lock(mutex_);
    return is_empty(mail_);
  }
  // Where the lane has no room for more, new work waits in here until it looks for another reason.
  void want_new_work(bool wanted) {
    const std::lock_guard lock(mutex_);
    new_work_wakes_ = wanted;
  }
  // What comes later wakes nobody: the destination may be gone.
  void close() {
    const std::lock_guard lock(mutex_);
    wake_ = nullptr;
  }

 private:
  enum class Urgency { at_once, where_wanted };

  static bool is_empty(const LaneMail& mail) {
    return !mail.new_work && !mail.resume && mail.taken_away.empty() && mail.starts.empty() &&
           mail.follow_ups_saved.empty() && mail.settlements.empty() && !mail.stop_within;
  }
  template <class Write>
  void put(Write write, Urgency urgency = Urgency::at_once) {
    {
      const std::lock_guard lock(mutex_);
      write(mail_);
      // One wake for all that comes until the lane looks.
      if (woken_ || (urgency == Urgency::where_wanted && !new_work_wakes_)) return;
      woken_ = true;
    }
    HandOver::at_end([self = shared_from_this()] { self->wake(); });
  }
  void wake() {
    const std::lock_guard lock(mutex_);
    if (wake_) wake_();
  }

  mutable std::mutex mutex_;
  std::function<void()> wake_;
  LaneMail mail_;
  bool woken_ = false;
  bool new_work_wakes_ = true;
};

}  // namespace relay
