// LaneMailbox: what other threads have to tell a lane. They put it in and wake the lane's destination, whose wake()
// also ends a poll() that begins later; so nothing is missed between a look and a wait. Outlives the lane where a
// settlement's callback comes late.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

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

class LaneMailbox {
 public:
  explicit LaneMailbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  // Any thread.
  void new_work() {
    put([](LaneMail& mail) { mail.new_work = true; });
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
    return std::exchange(mail_, LaneMail{});
  }
  bool empty() const {
    const std::lock_guard lock(mutex_);
    return is_empty(mail_);
  }
  // What comes later wakes nobody: the destination may be gone.
  void close() {
    const std::lock_guard lock(mutex_);
    wake_ = nullptr;
  }

 private:
  static bool is_empty(const LaneMail& mail) {
    return !mail.new_work && !mail.resume && mail.taken_away.empty() && mail.starts.empty() &&
           mail.follow_ups_saved.empty() && mail.settlements.empty() && !mail.stop_within;
  }
  template <class Write>
  void put(Write write) {
    const std::lock_guard lock(mutex_);
    const bool first = is_empty(mail_);
    write(mail_);
    // One wake for all that comes until the lane looks.
    if (first && wake_) wake_();
  }

  mutable std::mutex mutex_;
  std::function<void()> wake_;
  LaneMail mail_;
};

}  // namespace relay
