#include "forwarder/forwarder.hpp"

#include "forwarder/lane.hpp"

namespace relay {

struct Forwarder::State {
  Journal& journal;
  const Clock& clock;
  std::vector<std::unique_ptr<Lane>> lanes{};
};

Forwarder::Forwarder(Journal& journal, const Clock& clock) : state_(std::make_unique<State>(State{journal, clock})) {}

Forwarder::~Forwarder() = default;

void Forwarder::add(const DestinationSettings& settings, std::unique_ptr<Destination> destination) {
  state_->lanes.push_back(std::make_unique<Lane>(state_->journal, state_->clock, settings, std::move(destination)));
}

void Forwarder::stop(std::chrono::milliseconds grace) {
  for (const auto& lane : state_->lanes) lane->stop_within(grace);
  for (const auto& lane : state_->lanes) lane->join();
  state_->lanes.clear();
}

}  // namespace relay
