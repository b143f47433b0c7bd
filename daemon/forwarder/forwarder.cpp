#include "forwarder/forwarder.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "forwarder/lane.hpp"

namespace relay {

struct Forwarder::State {
  struct Running {
    std::chrono::milliseconds timeout;
    std::unique_ptr<Lane> lane;
  };

  Journal& journal;
  const Clock& clock;
  std::mutex mutex{};  // of the lanes' list; lanes themselves are told things from any thread
  std::map<std::string, Running> lanes{};

  Lane* find(const std::string& destination) {
    const auto found = lanes.find(destination);
    return found == lanes.end() ? nullptr : found->second.lane.get();
  }
  Running start(const DestinationSettings& settings, std::unique_ptr<Destination> destination) {
    return {settings.timeout, std::make_unique<Lane>(journal, clock, settings, std::move(destination))};
  }
  void end(const std::string& name, Lane& lane) {
    lane.join();
    {
      const std::lock_guard lock(mutex);
      lanes.erase(name);
    }
    // What it last said of itself is no longer so.
    journal.set_condition(name, {});
  }
};

Forwarder::Forwarder(Journal& journal, const Clock& clock) : state_(new State{journal, clock}) {}

Forwarder::~Forwarder() = default;

void Forwarder::add(const DestinationSettings& settings, std::unique_ptr<Destination> destination) {
  auto running = state_->start(settings, std::move(destination));
  const std::lock_guard lock(state_->mutex);
  state_->lanes.insert_or_assign(settings.name, std::move(running));
}

void Forwarder::replace(const std::vector<std::string>& ended, std::vector<NewLane> added,
                        std::chrono::milliseconds grace) {
  // None waits for another one's last request.
  std::vector<std::thread> waiting;
  for (const std::string& name : ended) {
    std::chrono::milliseconds at_most = grace;
    Lane* lane = nullptr;
    {
      const std::lock_guard lock(state_->mutex);
      lane = state_->find(name);
      if (lane != nullptr) at_most = std::max(grace, state_->lanes.at(name).timeout);
    }
    if (lane == nullptr) continue;
    lane->stop_within(at_most);
    const auto next = std::ranges::find_if(added, [&](const NewLane& each) { return each.settings.name == name; });
    NewLane* successor = next == added.end() ? nullptr : &*next;
    waiting.emplace_back([this, lane, successor, name] {
      state_->end(name, *lane);
      if (successor != nullptr) add(successor->settings, std::move(successor->destination));
    });
  }
  for (std::thread& each : waiting) each.join();
  for (NewLane& lane : added) {
    if (lane.destination) add(lane.settings, std::move(lane.destination));
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

void Forwarder::stop(std::chrono::milliseconds grace) {
  for (const auto& [name, running] : state_->lanes) running.lane->stop_within(grace);
  for (const auto& [name, running] : state_->lanes) running.lane->join();
  const std::lock_guard lock(state_->mutex);
  state_->lanes.clear();
}

}  // namespace relay
