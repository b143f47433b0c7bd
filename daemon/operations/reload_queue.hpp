// ReloadQueue: reloads of the configuration, one at a time on a thread of its own, since files are read and deliveries
// in flight waited for. Whoever asks while one is under way gets the next one: the file as it was after the asking.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "operations/notify.hpp"

namespace relay {

struct ReloadOutcome {
  // FILE:LINE:COLUMN: error: …; where there is any, nothing was changed.
  std::vector<std::string> problems{};
  // Keys whose new value only a restart takes over.
  std::vector<std::string> restart_needed{};
};

class ReloadQueue {
 public:
  using Done = std::function<void(const ReloadOutcome&)>;

  // `reload` runs on the queue's thread, everything else on the operations thread. `notifier` outlives it.
  ReloadQueue(boost::asio::io_context& operations, ServiceNotifier& notifier, std::function<ReloadOutcome()> reload);
  ~ReloadQueue();

  void request(Done done);
  // No further one begins; those who wait are told so.
  void stop();
  // Any thread, after stop(): returns when the one under way has ended.
  void join();

 private:
  void begin();
  void ended(const ReloadOutcome& outcome);

  boost::asio::io_context& operations_;
  ServiceNotifier& notifier_;
  const std::function<ReloadOutcome()> reload_;
  std::vector<Done> waiting_;    // for the next one
  std::vector<Done> under_way_;  // for the one that runs
  bool running_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace relay
