#include "operations/reload_queue.hpp"

#include <utility>

#include <boost/asio/post.hpp>

#include "base/log.hpp"
#include "base/thread_name.hpp"

namespace relay {
namespace {

void log_outcome(const ReloadOutcome& outcome) {
  for (const std::string& problem : outcome.problems) log_error("the configuration isn't taken over: " + problem);
  for (const std::string& key : outcome.restart_needed) {
    log_warning("a restart is needed for this key's new value", {{"key", key}});
  }
  if (outcome.problems.empty()) log_info("the configuration was read again and taken over");
}

}  // namespace

ReloadQueue::ReloadQueue(boost::asio::io_context& operations, ServiceNotifier& notifier,
                         std::function<ReloadOutcome()> reload)
    : operations_(operations), notifier_(notifier), reload_(std::move(reload)) {}

ReloadQueue::~ReloadQueue() {
  join();
}

void ReloadQueue::request(Done done) {
  waiting_.push_back(std::move(done));
  if (stopping_) {
    stop();
  } else if (!running_) {
    begin();
  }
}

void ReloadQueue::begin() {
  join();
  under_way_ = std::exchange(waiting_, {});
  running_ = true;
  notifier_.reloading();
  thread_ = std::thread([this] {
    name_this_thread("reload");
    ReloadOutcome outcome = reload_();
    boost::asio::post(operations_, [this, outcome = std::move(outcome)] { ended(outcome); });
  });
}

void ReloadQueue::ended(const ReloadOutcome& outcome) {
  running_ = false;
  log_outcome(outcome);
  if (!stopping_) notifier_.ready();
  for (const Done& done : std::exchange(under_way_, {})) done(outcome);
  if (!waiting_.empty() && !stopping_) begin();
}

void ReloadQueue::stop() {
  stopping_ = true;
  for (const Done& done : std::exchange(waiting_, {})) {
    done({{"the relay is stopping; nothing is read again"}, {}});
  }
}

void ReloadQueue::join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace relay
