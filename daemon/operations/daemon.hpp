// The daemon put together: journal, lanes, doors and operator endpoint, from the start of their threads to an orderly
// stop.
#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/result.hpp"
#include "forwarder/forwarder.hpp"
#include "intake/receiver.hpp"
#include "journal/journal.hpp"
#include "operations/admin_api.hpp"
#include "operations/admin_listener.hpp"
#include "operations/countdown.hpp"
#include "operations/doors.hpp"
#include "operations/notify.hpp"
#include "operations/overview.hpp"
#include "operations/reload_queue.hpp"
#include "operations/running_configuration.hpp"
#include "operations/watchdog.hpp"
#include "settings/load.hpp"

namespace relay {

class Daemon {
 public:
  // `journal` outlives it. SIGTERM, SIGINT and SIGHUP are its own from now on.
  Daemon(LoadedSettings loaded, Journal& journal);

  // Binds every listener; no request is answered yet. Once.
  Result<void> listen();
  // Starts lanes and threads, and tells the service manager.
  void start(std::vector<std::unique_ptr<Destination>> destinations);
  // Returns once SIGTERM or SIGINT came; from then on nothing new is taken.
  void wait_for_stop();
  // Finishes requests and deliveries under way within shutdown_grace, then ends every thread of its own. Returns the
  // doors that couldn't be ended: the daemon may then not be destroyed.
  std::vector<std::string> stop();

 private:
  // The threads that run one io_context, and how they end.
  class Loop {
   public:
    explicit Loop(std::size_t threads)
        : context(static_cast<int>(threads)), serving(context, threads), work_(boost::asio::make_work_guard(context)) {}
    void run(const std::vector<std::string>& thread_names);
    // Lets what is under way end, for a bounded time, then ends the threads.
    void finish(std::chrono::milliseconds at_most);
    boost::asio::io_context context;
    const ServingContext serving;

   private:
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::vector<std::thread> threads_;
    std::unique_ptr<Countdown> ended_;
  };

  void await_signal();
  void on_signal(int number);
  void look_now_and_then();
  void take_over(const Settings& settings);
  // Waits until every connection has ended, and cuts what is left at the deadline.
  void stop_admin_listeners(std::chrono::steady_clock::time_point deadline);

  Loop intake_;
  Loop operations_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer look_timer_;
  std::promise<void> stop_requested_;
  bool stopping_ = false;  // operations thread

  Receiver receiver_;
  Forwarder forwarder_;
  RunningDestinations destinations_;
  Overview overview_;
  ServiceNotifier notifier_;
  Watchdog watchdog_;
  AdminApi admin_api_;
  Doors doors_;
  RunningConfiguration configuration_;
  ReloadQueue reloads_;
  std::vector<std::unique_ptr<AdminListener>> admin_listeners_;
};

}  // namespace relay
