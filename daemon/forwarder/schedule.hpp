// Schedule: how long to wait before the next try. Exponential with full jitter: the bound doubles with every failure,
// the wait is anything from nothing to that bound, so that many relays which failed together don't come back together.
#pragma once

#include <chrono>
#include <functional>

#include "settings/settings.hpp"

namespace relay {

// Gives a number in [0, 1) at each call. Used by one thread.
using Jitter = std::function<double()>;
Jitter random_jitter();

// initial * 2^failures, at most max.
std::chrono::milliseconds backoff_bound(const BackoffSettings& backoff, unsigned failures);
// Uniform in [0, backoff_bound].
std::chrono::milliseconds backoff_delay(const BackoffSettings& backoff, unsigned failures, const Jitter& jitter);

}  // namespace relay
