#include "operations/daemon.hpp"

#include <csignal>
#include <string>
#include <utility>

#include <boost/asio/post.hpp>

#include "base/log.hpp"
#include "base/thread_name.hpp"
#include "operations/daemon_options.hpp"

namespace relay {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::seconds look_interval{2};
// How long answers that are already on their way may take once everything else has ended.
constexpr std::chrono::seconds last_answers{2};

// A second intake thread pays only where there are cores to spare for it.
std::vector<std::string> intake_thread_names() {
  if (std::thread::hardware_concurrency() <= 2) return {"intake-0"};
  return {"intake-0", "intake-1"};
}

}  // namespace

void Daemon::Loop::run(const std::vector<std::string>& thread_names) {
  ended_ = std::make_unique<Countdown>(thread_names.size());
  for (const std::string& name : thread_names) {
    threads_.emplace_back([this, name] {
      name_this_thread(name);
      context.run();
      ended_->arrive();
    });
  }
}

void Daemon::Loop::finish(std::chrono::milliseconds at_most) {
  work_.reset();
  if (ended_) ended_->wait_until(std::chrono::steady_clock::now() + at_most);
  context.stop();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

Daemon::Daemon(const Settings& settings, Journal& journal)
    : settings_(settings),
      intake_(static_cast<int>(intake_thread_names().size())),
      operations_(1),
      signals_(operations_.context, SIGTERM, SIGINT, SIGHUP),
      look_timer_(operations_.context),
      receiver_(settings.intake, settings.clients, route_table_of(settings), journal, system_clock()),
      forwarder_(journal, system_clock()),
      overview_(journal, system_clock(), configured_destinations_of(settings), insecure_listeners_of(settings)),
      admin_api_(overview_, journal, receiver_, system_clock(), settings.site + ".submit") {
  for (const auto& listener : settings.intake.http) {
    doors_.push_back(std::make_unique<HttpIntake>(intake_.context, listener, settings.intake, receiver_, journal));
  }
  const auto add_admin = [&](const ListenAddress& listen, const std::vector<std::string>& allowed_hosts) {
    admin_listeners_.push_back(std::make_unique<AdminListener>(operations_.context, admin_options_of(settings, listen),
                                                               allowed_hosts, admin_api_));
  };
  add_admin({"", 0, settings.admin.socket.native()}, {});
  if (settings.admin.listen) add_admin(*settings.admin.listen, settings.admin.allowed_hosts);
}

Result<void> Daemon::listen() {
  for (auto& listener : admin_listeners_) {
    if (auto started = listener->start(); !started) return started;
  }
  for (auto& door : doors_) {
    if (auto started = door->start(); !started) return started;
  }
  return {};
}

void Daemon::start(std::vector<std::unique_ptr<Destination>> destinations) {
  for (std::size_t i = 0; i < destinations.size(); ++i) {
    forwarder_.add(settings_.destinations.at(i), std::move(destinations[i]));
  }
  await_signal();
  asio::post(operations_.context, [this] {
    look_now_and_then();
    notifier_.ready();
  });
  intake_.run(intake_thread_names());
  operations_.run({"operations"});
}

void Daemon::wait_for_stop() {
  stop_requested_.get_future().wait();
}

void Daemon::await_signal() {
  signals_.async_wait([this](const boost::system::error_code& error, int number) {
    if (!error) on_signal(number);
  });
}

void Daemon::on_signal(int number) {
  if (number == SIGHUP) {
    log_warning("SIGHUP: this version can't reload its configuration; restart it to have the file read again");
  } else if (!stopping_) {
    stopping_ = true;
    log_info("stopping: taking nothing new, finishing what is under way",
             {{"signal", number == SIGTERM ? "SIGTERM" : "SIGINT"},
              {"shutdown_grace", format_duration(settings_.shutdown_grace)}});
    receiver_.stop();
    admin_api_.stop();
    overview_.stopping();
    notifier_.stopping();
    notifier_.status("Stopping: taking nothing new, finishing what is under way.");
    // A second Ctrl-C ends the process at once: the journal stands that as it stands a crash.
    signals_.remove(SIGINT);
    stop_requested_.set_value();
  }
  await_signal();
}

void Daemon::look_now_and_then() {
  if (stopping_) return;
  notifier_.status(overview_.look().health.summary);
  look_timer_.expires_after(look_interval);
  look_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) look_now_and_then();
  });
}

// Waits until every connection has ended, and cuts what is left at the deadline.
void Daemon::stop_listeners(auto& listeners, std::chrono::steady_clock::time_point deadline) {
  const auto drained = std::make_shared<Countdown>(listeners.size());
  for (auto& listener : listeners) listener->stop([drained] { drained->arrive(); });
  if (drained->wait_until(deadline)) return;
  log_warning("the time to stop is over: requests that are still under way are cut");
  for (auto& listener : listeners) listener->close_all();
}

void Daemon::stop() {
  const auto deadline = std::chrono::steady_clock::now() + settings_.shutdown_grace;
  // Doors drain while deliveries in flight end: both have the same time.
  std::thread doors([this, deadline] { stop_listeners(doors_, deadline); });
  forwarder_.stop(settings_.shutdown_grace);
  doors.join();
  intake_.finish(last_answers);
  // Until here the operator endpoint has answered that the relay is stopping.
  stop_listeners(admin_listeners_, std::chrono::steady_clock::now() + last_answers);
  asio::post(operations_.context, [this] {
    signals_.cancel();
    look_timer_.cancel();
  });
  operations_.finish(last_answers);
}

}  // namespace relay
