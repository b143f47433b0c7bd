// What the relay tells its service manager (sd_notify(3)); nothing happens where there is none.
#pragma once

#include <string>

namespace relay {

class ServiceNotifier {
 public:
  // READY=1: everything listens, the journal is open.
  void ready();
  // STOPPING=1.
  void stopping();
  // STATUS=…, shown by `systemctl status`; sent only where it changed.
  void status(const std::string& sentence);

 private:
  std::string last_status_;
};

// True when standard error goes to journald ($JOURNAL_STREAM names its device and inode; systemd.exec(5)).
bool stderr_is_journald();

}  // namespace relay
