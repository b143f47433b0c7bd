// Hold windows: whether a destination is to be left alone now. A window begins on each of its days at `from` and ends
// at `to`, both by the clock on the wall of its zone; what is shown twice when clocks are set back is inside as long as
// either of the two is. A function of the settings and the time.
#pragma once

#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "settings/hold_window_settings.hpp"

namespace relay {

// When the window ends in which `now` is (the last of several); nothing outside of all.
std::optional<WallTime> held_until(const std::vector<HoldWindowSettings>& windows, WallTime now);
// When the next one begins; nothing where none does within eight days.
std::optional<WallTime> next_hold(const std::vector<HoldWindowSettings>& windows, WallTime now);

}  // namespace relay
