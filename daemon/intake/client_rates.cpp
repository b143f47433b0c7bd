#include "intake/client_rates.hpp"

#include <algorithm>

namespace relay {

ClientRates::ClientRates(Rate rate, const Clock& clock) : per_second_(rate.per_second), clock_(clock) {}

std::optional<std::chrono::seconds> ClientRates::take(const std::string& client) {
  const MonotonicTime now = clock_.monotonic_now();
  const std::lock_guard lock(mutex_);
  if (buckets_.size() >= look_at_size_) forget_full_ones(now);
  RateBucket& bucket = buckets_.try_emplace(client, per_second_, now).first->second;
  if (bucket.take(now)) return std::nullopt;
  return std::max(std::chrono::seconds(1), std::chrono::ceil<std::chrono::seconds>(bucket.wait(now)));
}

std::size_t ClientRates::remembered() const {
  const std::lock_guard lock(mutex_);
  return buckets_.size();
}

void ClientRates::forget_full_ones(MonotonicTime now) {
  std::erase_if(buckets_, [&](const auto& each) { return each.second.full(now); });
  look_at_size_ = std::max<std::size_t>(1024, 2 * buckets_.size());
}

}  // namespace relay
