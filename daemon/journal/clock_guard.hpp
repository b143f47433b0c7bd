// Clock guard: whether this machine's wall clock may be trusted to erase by. A clock that jumps by more than an hour
// (compared with the monotonic clock, or with what the journal saw last before a restart) is doubted, and nothing is
// erased, until a destination's Date agrees with it or 24 hours of uptime have passed without another jump.
//
// A restart can't tell a clock that was set ahead from a machine that was off, so ahead counts from a day on there;
// back counts from an hour on as always.
//
// A clock that was behind and is set right makes everything look older than it is that ended while it was behind. So
// jumps ahead are remembered, and what has to be kept for a time asks told_by_todays_clock() when that time began. A
// machine that slept looks the same; there things are kept longer by the time it slept.
//
// witness() and trusted(): any thread. The rest: the writer's.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <vector>

#include "base/clock.hpp"

namespace relay {

class ClockGuard {
 public:
  // As it stands in the journal's table `clock`.
  // The clock was set ahead: what it had stamped up to then happened that much later by today's clock.
  struct JumpAhead {
    WallTime up_to{};
    std::chrono::milliseconds by{0};
    bool operator==(const JumpAhead&) const = default;
  };
  // As it stands in the journal's tables `clock` and `clock_jump`.
  struct Note {
    WallTime last_seen{};
    bool doubted = false;
    std::chrono::milliseconds calm{0};  // uptime since the last jump, while doubted
    std::vector<JumpAhead> jumps{};     // the oldest first
  };

  // `clock` outlives it.
  explicit ClockGuard(const Clock& clock) : clock_(clock) {}

  // At start, with what the last run left, where there was one.
  void load(const std::optional<Note>& note);
  // Compares the clocks. Called often.
  void look();
  bool trusted() const { return !doubted_.load(); }
  // A destination said what time it is, just now.
  void witness(WallTime theirs);

  // A time that this machine's clock stamped earlier.
  WallTime told_by_todays_clock(WallTime stamped) const;

  // What has to be saved now: a change of mind, or a quarter of an hour gone by.
  std::optional<Note> unsaved() const;
  void saved(const Note& note);
  const std::vector<JumpAhead>& saved_jumps() const { return saved_jumps_; }

 private:
  struct Reading {
    WallTime wall{};
    MonotonicTime monotonic{};
  };
  Reading read() const;
  void remember(std::chrono::milliseconds jump, WallTime now);
  void doubt(std::chrono::milliseconds jump, const char* since);
  void trust_again(const char* why);

  const Clock& clock_;
  std::optional<Reading> anchor_;  // since when both have run side by side
  Reading last_;
  std::atomic<bool> doubted_{false};
  std::chrono::milliseconds calm_{0};
  std::vector<JumpAhead> jumps_;
  std::vector<JumpAhead> saved_jumps_;
  std::optional<Note> saved_;
  std::optional<MonotonicTime> saved_at_;
  enum class Witness { none, agrees, disagrees };
  std::atomic<Witness> witness_{Witness::none};
  std::atomic<std::int64_t> complained_at_{INT64_MIN};  // monotonic seconds
};

}  // namespace relay
