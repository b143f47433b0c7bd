#include "forwarder/forwarder.hpp"

#include <algorithm>
#include <map>
#include <thread>
#include <utility>

#include "forwarder/lane.hpp"

namespace relay {

struct Forwarder::State {
  Journal& journal;
  const Clock& clock;
  struct Running {
    std::chrono::milliseconds timeout;
    std::unique_ptr<Lane> lane;
  };
  std::map<std::string, Running> lanes{};

  Running start(const DestinationSettings& settings, std::unique_ptr<Destination> destination) {
    return {settings.timeout, std::make_unique<Lane>(journal, clock, settings, std::move(destination))};
  }
};

Forwarder::Forwarder(Journal& journal, const Clock& clock) : state_(std::make_unique<State>(State{journal, clock})) {}

Forwarder::~Forwarder() = default;

void Forwarder::add(const DestinationSettings& settings, std::unique_ptr<Destination> destination) {
  state_->lanes.insert_or_assign(settings.name, state_->start(settings, std::move(destination)));
}

void Forwarder::replace(const std::vector<std::string>& ended, std::vector<NewLane> added,
                        std::chrono::milliseconds grace) {
  for (const std::string& name : ended) {
    const auto found = state_->lanes.find(name);
    if (found != state_->lanes.end()) found->second.lane->stop_within(std::max(grace, found->second.timeout));
  }
  // None waits for another one's last request.
  std::vector<std::thread> waiting;
  for (const std::string& name : ended) {
    const auto found = state_->lanes.find(name);
    if (found == state_->lanes.end()) continue;
    const auto next = std::ranges::find_if(added, [&](const NewLane& lane) { return lane.settings.name == name; });
    NewLane* successor = next == added.end() ? nullptr : &*next;
    waiting.emplace_back([this, successor, &slot = found->second, name] {
      slot.lane->join();
      slot.lane.reset();
      // What it last said of itself is no longer so.
      state_->journal.set_condition(name, {});
      if (successor != nullptr) slot = state_->start(successor->settings, std::move(successor->destination));
    });
  }
  for (std::thread& each : waiting) each.join();
  std::erase_if(state_->lanes, [](const auto& one) { return one.second.lane == nullptr; });
  for (NewLane& lane : added) {
    if (lane.destination) add(lane.settings, std::move(lane.destination));
  }
}

void Forwarder::stop(std::chrono::milliseconds grace) {
  for (const auto& [name, running] : state_->lanes) running.lane->stop_within(grace);
  for (const auto& [name, running] : state_->lanes) running.lane->join();
  state_->lanes.clear();
}

}  // namespace relay
