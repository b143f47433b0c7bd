// ClientRates: how fast each client may submit through a listener (`rate`). A bucket a client, which holds one second's
// worth; those that are full again are forgotten, so that names which come once cost nothing for long.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.hpp"
#include "base/rate_bucket.hpp"
#include "settings/access_settings.hpp"

namespace relay {

// Thread-safe.
class ClientRates {
 public:
  // `clock` outlives it.
  ClientRates(Rate rate, const Clock& clock);

  // Nothing: this client may submit now, and that is counted. Else how long it has to wait, at least a second.
  std::optional<std::chrono::seconds> take(const std::string& client);
  // How many clients are remembered.
  std::size_t remembered() const;

 private:
  void forget_full_ones(MonotonicTime now);

  const double per_second_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, RateBucket> buckets_;
  std::size_t look_at_size_ = 1024;  // when so many are remembered, the full ones are looked for
};

}  // namespace relay
