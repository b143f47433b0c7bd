// What the relay tells its service manager (sd_notify(3)); nothing happens where there is none.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace relay {

class ServiceNotifier {
 public:
  // READY=1: everything listens, the journal is open.
  void ready();
  // RELOADING=1 with the time that sd_notify(3) asks for beside it; ready() ends it.
  void reloading();
  // STOPPING=1.
  void stopping();
  // WATCHDOG=1.
  void alive();
  // How soon after the last alive() the service manager ends the process ($WATCHDOG_USEC); nothing: it doesn't watch.
  static std::optional<std::chrono::microseconds> watchdog_time();
  // STATUS=…, shown by `systemctl status`; sent only where it changed.
  void status(const std::string& sentence);

 private:
  std::string last_status_;
};

// True when standard error goes to journald ($JOURNAL_STREAM names its device and inode; systemd.exec(5)).
bool stderr_is_journald();

}  // namespace relay
