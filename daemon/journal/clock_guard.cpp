#include "journal/clock_guard.hpp"

#include <algorithm>
#include <cstdint>

#include "base/clock_agreement.hpp"
#include "base/log.hpp"

namespace relay {

namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr std::chrono::hours jump_from{1};
constexpr std::chrono::hours ahead_over_restart_from{24};
constexpr std::chrono::hours calm_enough{24};
constexpr std::chrono::minutes save_every{15};
// A clock that jumps about for ever must not fill the journal.
constexpr std::size_t most_jumps = 50;
constexpr std::int64_t complain_every_seconds = 3600;

std::string rounded(milliseconds difference) {
  return format_duration(duration_cast<std::chrono::minutes>(std::chrono::abs(difference)));
}

}  // namespace

ClockGuard::Reading ClockGuard::read() const {
  // Both at one instant: read again where the process was held up in between.
  Reading reading;
  for (int tries = 0; tries < 5; ++tries) {
    reading.monotonic = clock_.monotonic_now();
    reading.wall = clock_.wall_now();
    if (clock_.monotonic_now() - reading.monotonic < std::chrono::seconds(1)) break;
  }
  return reading;
}

void ClockGuard::load(const std::optional<Note>& note) {
  last_ = read();
  anchor_ = last_;
  if (!note) return;
  saved_ = note;
  saved_at_ = last_.monotonic;
  jumps_ = saved_jumps_ = note->jumps;
  calm_ = note->calm;
  doubted_ = note->doubted;
  const milliseconds away = last_.wall - note->last_seen;
  // A clock that was doubted already is likelier to have been set right than the machine to have been off.
  if (note->doubted && away > jump_from) jumps_.push_back({note->last_seen + save_every, away});
  if (away < -jump_from || away > ahead_over_restart_from) doubt(away, "since the relay ran last");
}

void ClockGuard::look() {
  const Reading now = read();
  const auto passed = duration_cast<milliseconds>(now.monotonic - last_.monotonic);
  const milliseconds jump =
      (now.wall - anchor_->wall) - duration_cast<milliseconds>(now.monotonic - anchor_->monotonic);
  last_ = now;
  const Witness witness = witness_.exchange(Witness::none);
  if (std::chrono::abs(jump) > jump_from) {
    // What a destination said before the jump says nothing about the clock after it.
    anchor_ = now;
    remember(jump, now.wall);
    doubt(jump, "while the relay ran");
    return;
  }
  if (witness == Witness::disagrees) {
    calm_ = milliseconds(0);
    doubted_ = true;
  } else if (witness == Witness::agrees) {
    anchor_ = now;
    if (!trusted()) trust_again("a destination's Date agrees with it");
  } else if (!trusted()) {
    calm_ += passed;
    if (calm_ >= calm_enough) trust_again("it ran a day without a jump");
  }
}

void ClockGuard::remember(milliseconds jump, WallTime now) {
  if (jump.count() > 0) {
    if (jumps_.size() == most_jumps) jumps_.erase(jumps_.begin());
    jumps_.push_back({now - jump, jump});
  } else if (!jumps_.empty() && std::chrono::abs(jumps_.back().by + jump) <= jump_from) {
    jumps_.pop_back();  // it was ahead, and is back
  }
}

WallTime ClockGuard::told_by_todays_clock(WallTime stamped) const {
  for (const JumpAhead& jump : jumps_) {
    if (stamped <= jump.up_to) stamped += jump.by;
  }
  return stamped;
}

void ClockGuard::doubt(milliseconds jump, const char* since) {
  calm_ = milliseconds(0);
  doubted_ = true;
  log_warning(
      "this machine's clock jumped; nothing is erased until a destination's Date agrees with it, or it has run "
      "a day without another jump",
      {{"by", rounded(jump)}, {"direction", jump.count() > 0 ? "ahead" : "back"}, {"when", since}});
}

void ClockGuard::trust_again(const char* why) {
  calm_ = milliseconds(0);
  doubted_ = false;
  log_info("this machine's clock is trusted again", {{"because", why}});
}

void ClockGuard::witness(WallTime theirs) {
  const milliseconds difference = clock_.wall_now() - theirs;
  if (std::chrono::abs(difference) <= clock_agreement) {
    witness_ = Witness::agrees;
    return;
  }
  if (std::chrono::abs(difference) > jump_from) witness_ = Witness::disagrees;
  const std::int64_t now = duration_cast<std::chrono::seconds>(clock_.monotonic_now().time_since_epoch()).count();
  std::int64_t before = complained_at_.load();
  if (before != INT64_MIN && now - before < complain_every_seconds) return;
  if (!complained_at_.compare_exchange_strong(before, now)) return;
  log_warning("this machine's clock and a destination's Date disagree; set the clock",
              {{"off_by", rounded(difference)}, {"this_machine_is", difference.count() > 0 ? "ahead" : "behind"}});
}

std::optional<ClockGuard::Note> ClockGuard::unsaved() const {
  const bool due = !saved_ || jumps_ != saved_jumps_ || saved_->doubted != !trusted() ||
                   last_.monotonic - *saved_at_ >= save_every || (!trusted() && calm_ < saved_->calm);
  if (!due) return std::nullopt;
  return Note{last_.wall, !trusted(), calm_, jumps_};
}

void ClockGuard::saved(const Note& note) {
  saved_ = note;
  saved_jumps_ = note.jumps;
  saved_at_ = last_.monotonic;
}

}  // namespace relay
