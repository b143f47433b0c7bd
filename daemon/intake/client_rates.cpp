#include "intake/client_rates.hpp"

#include <algorithm>
#include <cmath>

namespace relay {

ClientRates::ClientRates(Rate rate, const Clock& clock)
    : per_second_(rate.per_second), most_(std::max(1.0, rate.per_second)), clock_(clock) {}

double ClientRates::left_at(const Bucket& bucket, MonotonicTime now) const {
  return std::min(most_, bucket.left + per_second_ * std::chrono::duration<double>(now - bucket.at).count());
}

std::optional<std::chrono::seconds> ClientRates::take(const std::string& client) {
  const MonotonicTime now = clock_.monotonic_now();
  const std::lock_guard lock(mutex_);
  if (buckets_.size() >= look_at_size_) forget_full_ones(now);
  Bucket& bucket = buckets_.try_emplace(client, Bucket{most_, now}).first->second;
  bucket = {left_at(bucket, now), now};
  if (bucket.left >= 1) {
    bucket.left -= 1;
    return std::nullopt;
  }
  const double wait = std::ceil((1 - bucket.left) / per_second_);
  return std::max(std::chrono::seconds(1), std::chrono::seconds(static_cast<long>(wait)));
}

std::size_t ClientRates::remembered() const {
  const std::lock_guard lock(mutex_);
  return buckets_.size();
}

void ClientRates::forget_full_ones(MonotonicTime now) {
  std::erase_if(buckets_, [&](const auto& each) { return left_at(each.second, now) >= most_; });
  look_at_size_ = std::max<std::size_t>(1024, 2 * buckets_.size());
}

}  // namespace relay
