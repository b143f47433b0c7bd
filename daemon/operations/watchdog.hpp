// Watchdog: tells the service manager that the relay works (sd_notify(3), WATCHDOG=1), at a third of its time, and only
// while every thread completes its turns. Runs on the operations thread, which so shows its own.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <optional>
#include <string>

#include "operations/notify.hpp"

namespace relay {

class Watchdog {
 public:
  // `notifier` outlives it. Nothing happens where the service manager doesn't watch.
  Watchdog(boost::asio::io_context& operations, ServiceNotifier& notifier);
  // On the operations thread, both.
  void start();
  void stop() { timer_.cancel(); }

 private:
  void look();

  ServiceNotifier& notifier_;
  boost::asio::steady_timer timer_;
  const std::optional<std::chrono::microseconds> time_;
  std::string told_;  // the thread that the log was told of
};

}  // namespace relay
