#include "operations/watchdog.hpp"

#include <algorithm>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "operations/stalls.hpp"

namespace relay {

Watchdog::Watchdog(boost::asio::io_context& operations, ServiceNotifier& notifier)
    : notifier_(notifier), timer_(operations), time_(ServiceNotifier::watchdog_time()) {}

void Watchdog::start() {
  if (time_) look();
}

void Watchdog::look() {
  const auto stalled = stalled_threads(stall_limit(time_));
  const auto hanging = std::ranges::find_if(stalled, stops_the_watchdog);
  if (hanging == stalled.end()) {
    told_.clear();
    notifier_.alive();
  } else if (hanging->name != told_) {
    told_ = hanging->name;
    log_error("a thread makes no progress; the service manager is told nothing more and will start the relay anew",
              {{"thread", hanging->name}, {"for", format_duration(hanging->since_turn)}});
  }
  timer_.expires_after(*time_ / 3);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) look();
  });
}

}  // namespace relay
