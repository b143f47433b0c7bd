#include "forwarder/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>

namespace relay {

Jitter random_jitter() {
  auto engine = std::make_shared<std::mt19937_64>(std::random_device{}());
  return [engine] { return std::uniform_real_distribution<double>(0.0, 1.0)(*engine); };
}

std::chrono::milliseconds backoff_bound(const BackoffSettings& backoff, unsigned failures) {
  auto bound = std::min(backoff.initial, backoff.max);
  for (unsigned i = 0; i < failures && bound < backoff.max; ++i) {
    // Compared by halves, so that no doubling can overflow.
    bound = bound > backoff.max / 2 ? backoff.max : bound * 2;
    if (bound.count() == 0) break;  // an initial wait of nothing never grows
  }
  return bound;
}

std::chrono::milliseconds backoff_delay(const BackoffSettings& backoff, unsigned failures, const Jitter& jitter) {
  const auto bound = backoff_bound(backoff, failures);
  return std::chrono::milliseconds(std::llround(static_cast<double>(bound.count()) * jitter()));
}

}  // namespace relay
