#include "operations/daemon.hpp"

#include <csignal>
#include <string>
#include <utility>

#include <boost/asio/post.hpp>

#include "base/log.hpp"
#include "base/thread_name.hpp"
#include "base/thread_progress.hpp"
#include "operations/daemon_options.hpp"

namespace relay {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::seconds look_interval{2};
// After that long a thread says that it still works, whether or not there was anything to do.
constexpr std::chrono::seconds longest_turn{1};
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
      ThreadProgress progress(name);
      while (!context.stopped()) {
        context.run_for(longest_turn);
        progress.turn();
      }
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

Daemon::Daemon(LoadedSettings loaded, Journal& journal)
    : intake_(intake_thread_names().size()),
      operations_(1),
      signals_(operations_.context, SIGTERM, SIGINT, SIGHUP),
      look_timer_(operations_.context),
      receiver_(loaded.settings.intake, loaded.settings.clients, route_table_of(loaded.settings), journal,
                system_clock()),
      forwarder_(journal, system_clock()),
      destinations_(forwarder_, limits_of_all(loaded.settings)),
      overview_(journal, system_clock(), configured_destinations_of(loaded.settings),
                insecure_listeners_of(loaded.settings), certificates_of(loaded.settings)),
      watchdog_(operations_.context, notifier_),
      admin_api_(overview_, journal, receiver_, system_clock(), loaded.settings.site + ".submit", destinations_,
                 admin_access_of(loaded.settings)),
      configuration_(std::move(loaded), {doors_,
                                         forwarder_,
                                         receiver_,
                                         {intake_.serving, receiver_, journal},
                                         [this, &journal](const Settings& settings) {
                                           note_configuration(settings, journal, "reload");
                                           take_over(settings);
                                         }}),
      reloads_(operations_.context, notifier_, [this] { return configuration_.reload(); }) {
  admin_api_.serve_reloads(reloads_);
  overview_.ask_doors([this] { return doors_.troubles(); });
  const Settings& settings = configuration_.settings();
  const auto add_admin = [&](const ListenAddress& listen, const std::vector<std::string>& allowed_hosts) {
    admin_listeners_.push_back(std::make_unique<AdminListener>(operations_.serving, admin_options_of(settings, listen),
                                                               allowed_hosts, admin_api_));
  };
  add_admin({"", 0, settings.admin.socket.native()}, {});
  if (settings.admin.listen) add_admin(*settings.admin.listen, settings.admin.allowed_hosts);
}

Result<void> Daemon::listen() {
  for (auto& listener : admin_listeners_) {
    if (auto started = listener->start(); !started) return started;
  }
  return configuration_.open_doors();
}

// On the reload's thread: what belongs to the operations thread gets its part there.
void Daemon::take_over(const Settings& settings) {
  asio::post(operations_.context, [this, settings] {
    overview_.change(configured_destinations_of(settings), insecure_listeners_of(settings), certificates_of(settings));
    destinations_.set_limits(limits_of_all(settings));
    admin_api_.set_access(admin_access_of(settings));
    const auto& admin = settings.admin;
    admin_listeners_.at(0)->change(admin_options_of(settings, {"", 0, admin.socket.native()}), {});
    if (admin.listen) admin_listeners_.at(1)->change(admin_options_of(settings, *admin.listen), admin.allowed_hosts);
  });
}

void Daemon::start(std::vector<std::unique_ptr<Destination>> destinations) {
  const Settings& settings = configuration_.settings();
  for (std::size_t i = 0; i < destinations.size(); ++i) {
    forwarder_.add(settings.destinations.at(i), std::move(destinations[i]));
  }
  await_signal();
  asio::post(operations_.context, [this] {
    look_now_and_then();
    notifier_.ready();
    watchdog_.start();
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
    log_info("SIGHUP: the configuration is read again");
    reloads_.request([](const ReloadOutcome&) {});
  } else if (!stopping_) {
    stopping_ = true;
    log_info("stopping: taking nothing new, finishing what is under way",
             {{"signal", number == SIGTERM ? "SIGTERM" : "SIGINT"}});
    receiver_.stop();
    reloads_.stop();
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

void Daemon::stop_admin_listeners(std::chrono::steady_clock::time_point deadline) {
  const auto drained = std::make_shared<Countdown>(admin_listeners_.size());
  for (auto& listener : admin_listeners_) listener->stop([drained] { drained->arrive(); });
  if (drained->wait_until(deadline)) return;
  for (auto& listener : admin_listeners_) listener->close_all();
}

std::vector<std::string> Daemon::stop() {
  // A reload that is under way ends first: what it starts is to be stopped, too.
  reloads_.join();
  const auto grace = configuration_.settings().shutdown_grace;
  const auto deadline = std::chrono::steady_clock::now() + grace;
  // Doors drain while deliveries in flight end: both have the same time.
  std::vector<std::string> hanging;
  std::thread doors([&, deadline] { hanging = doors_.stop(deadline); });
  std::vector<std::string> lanes = forwarder_.stop(grace);
  doors.join();
  hanging.insert(hanging.end(), std::make_move_iterator(lanes.begin()), std::make_move_iterator(lanes.end()));
  intake_.finish(last_answers);
  // Until here the operator endpoint has answered that the relay is stopping.
  stop_admin_listeners(std::chrono::steady_clock::now() + last_answers);
  asio::post(operations_.context, [this] {
    signals_.cancel();
    look_timer_.cancel();
    watchdog_.stop();
  });
  operations_.finish(last_answers);
  return hanging;
}

}  // namespace relay
