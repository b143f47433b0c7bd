#include "operations/flow_rates.hpp"

namespace relay {
namespace {

constexpr std::chrono::seconds window{60};
constexpr std::chrono::seconds closest_samples{1};

}  // namespace

void FlowRates::look(MonotonicTime at, const JournalSnapshot& snapshot) {
  if (!samples_.empty() && at - samples_.back().at < closest_samples) return;
  Sample sample{at, {}};
  for (const auto& [name, totals] : snapshot.destinations) {
    // What reached the destination: a delivery that is sent again does so twice.
    const auto reached = totals.attempts.find(Outcome::accepted);
    sample.accepted_and_delivered[name] = {totals.accepted, reached == totals.attempts.end() ? 0 : reached->second};
  }
  samples_.push_back(std::move(sample));
  // The first sample is the last one that is at least a whole window old.
  while (samples_.size() > 2 && at - samples_[1].at >= window) samples_.pop_front();
}

std::optional<FlowRate> FlowRates::of(const std::string& destination) const {
  if (samples_.size() < 2) return std::nullopt;
  const auto first = samples_.front().accepted_and_delivered.find(destination);
  const auto last = samples_.back().accepted_and_delivered.find(destination);
  if (last == samples_.back().accepted_and_delivered.end()) return std::nullopt;
  const auto before = first == samples_.front().accepted_and_delivered.end()
                          ? std::pair<std::uint64_t, std::uint64_t>{0, 0}
                          : first->second;
  const std::chrono::duration<double, std::ratio<60>> minutes = samples_.back().at - samples_.front().at;
  const auto rate = [&](std::uint64_t now, std::uint64_t then) {
    return static_cast<double>(now - then) / minutes.count();
  };
  return FlowRate{rate(last->second.first, before.first), rate(last->second.second, before.second)};
}

}  // namespace relay
