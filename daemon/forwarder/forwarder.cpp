#include "forwarder/forwarder.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/log.hpp"
#include "forwarder/lane.hpp"

namespace relay {

namespace {

// How long a lane whose time to stop is over gets to give back what it had. One that works is done within moments.
constexpr std::chrono::seconds ending_patience{2};

}  // namespace

struct Forwarder::State {
  struct Running {
    std::chrono::milliseconds timeout;
    std::unique_ptr<Lane> lane;
    bool leaving = false;                // somebody waits for its end
    std::optional<NewLane> successor{};  // what takes its place then
  };

  Journal& journal;
  const Clock& clock;
  std::mutex mutex{};  // of all below; lanes themselves are told things from any thread
  std::condition_variable left{};
  bool stopping = false;
  std::map<std::string, Running> lanes{};
  std::vector<std::thread> waiting{};  // each for the end of one lane

  Lane* find(const std::string& destination) {
    const auto found = lanes.find(destination);
    return found == lanes.end() ? nullptr : found->second.lane.get();
  }
  Running start(NewLane&& lane) {
    return {lane.settings.timeout, std::make_unique<Lane>(journal, clock, lane.settings, std::move(lane.destination))};
  }
  void join_waiting() {
    for (std::thread& each : waiting) each.join();
    waiting.clear();
  }
  void change_over(const std::string& name, Lane& lane);
  bool await_left(std::unique_lock<std::mutex>& lock, const std::vector<std::string>& names,
                  std::chrono::milliseconds at_most);
  std::vector<std::string> leaving_of(const std::vector<std::string>& names) const;
};

// On a thread of its own: none waits for another one's last request.
void Forwarder::State::change_over(const std::string& name, Lane& lane) {
  lane.join();
  // What it last said of itself is no longer so.
  journal.set_condition(name, {});
  Running ended;
  {
    const std::lock_guard lock(mutex);
    ended = std::move(lanes.at(name));
    lanes.erase(name);
    if (ended.successor && !stopping) lanes.emplace(name, start(std::move(*ended.successor)));
  }
  left.notify_all();
}

std::vector<std::string> Forwarder::State::leaving_of(const std::vector<std::string>& names) const {
  std::vector<std::string> leaving;
  for (const std::string& name : names) {
    const auto found = lanes.find(name);
    if (found != lanes.end() && found->second.leaving) leaving.push_back(name);
  }
  return leaving;
}

bool Forwarder::State::await_left(std::unique_lock<std::mutex>& lock, const std::vector<std::string>& names,
                                  std::chrono::milliseconds at_most) {
  return left.wait_for(lock, at_most, [&] { return leaving_of(names).empty(); });
}

Forwarder::Forwarder(Journal& journal, const Clock& clock) : state_(new State{journal, clock}) {}

Forwarder::~Forwarder() {
  state_->join_waiting();
}

void Forwarder::add(const DestinationSettings& settings, std::unique_ptr<Destination> destination) {
  const std::lock_guard lock(state_->mutex);
  state_->lanes.insert_or_assign(settings.name, state_->start({settings, std::move(destination)}));
}

void Forwarder::replace(const std::vector<std::string>& ended, std::vector<NewLane> added,
                        std::chrono::milliseconds grace) {
  std::unique_lock lock(state_->mutex);
  std::chrono::milliseconds longest = grace;
  for (const std::string& name : ended) {
    const auto found = state_->lanes.find(name);
    if (found == state_->lanes.end()) continue;
    State::Running& running = found->second;
    const auto next = std::ranges::find_if(added, [&](const NewLane& each) { return each.settings.name == name; });
    running.successor = std::nullopt;
    if (next != added.end()) {
      running.successor = std::move(*next);
      added.erase(next);
    }
    const auto at_most = std::max(grace, running.timeout);
    longest = std::max(longest, at_most);
    if (std::exchange(running.leaving, true)) continue;
    running.lane->stop_within(at_most);
    state_->waiting.emplace_back([this, name, lane = running.lane.get()] { state_->change_over(name, *lane); });
  }
  if (!state_->await_left(lock, ended, longest + ending_patience)) {
    for (const std::string& name : state_->leaving_of(ended)) {
      log_warning("a destination hangs in its files; its new configuration is taken over once they answer",
                  {{"destination", name}});
    }
  }
  if (std::ranges::none_of(state_->lanes, [](const auto& each) { return each.second.leaving; })) state_->join_waiting();
  for (NewLane& lane : added) {
    const std::string name = lane.settings.name;
    state_->lanes.insert_or_assign(name, state_->start(std::move(lane)));
  }
}

void Forwarder::resume(const std::string& destination) {
  const std::lock_guard lock(state_->mutex);
  if (Lane* lane = state_->find(destination)) lane->resume();
}

void Forwarder::taken_away(const std::string& destination, const SubmissionId& id) {
  const std::lock_guard lock(state_->mutex);
  if (Lane* lane = state_->find(destination)) lane->taken_away(id);
}

std::vector<std::string> Forwarder::stop(std::chrono::milliseconds grace) {
  const auto until = std::chrono::steady_clock::now() + grace + ending_patience;
  const auto rest = [until] {
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::ceil<std::chrono::milliseconds>(std::max(until, now) - now);
  };
  std::map<std::string, const Lane*> staying;
  std::vector<std::string> leaving;
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    for (const auto& [name, running] : state_->lanes) {
      running.lane->stop_within(grace);
      if (running.leaving) {
        leaving.push_back(name);
      } else {
        staying.emplace(name, running.lane.get());
      }
    }
  }
  std::vector<std::string> hanging;
  for (const auto& [name, lane] : staying) {
    if (!lane->await_end(rest())) hanging.push_back(name);
  }
  std::unique_lock lock(state_->mutex);
  state_->await_left(lock, leaving, rest());
  for (const std::string& name : state_->leaving_of(leaving)) hanging.push_back(name);
  if (hanging.empty()) state_->lanes.clear();
  return hanging;
}

}  // namespace relay
