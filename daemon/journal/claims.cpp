#include "journal/claims.hpp"

#include "base/uuid.hpp"

namespace relay {

ClaimSet::ClaimSet(std::int64_t opening) : next_token_(static_cast<std::uint64_t>(opening) << 40) {
  std::uint64_t start = 0;
  for (const char byte : random_bytes(5)) start = start << 8 | static_cast<std::uint8_t>(byte);
  next_token_ += start >> 1;
}

ClaimSet::Seqs ClaimSet::claimed(DestinationNumber destination) const {
  const std::lock_guard lock(mutex_);
  const auto found = seqs_.find(destination);
  return found == seqs_.end() ? Seqs() : found->second;
}

ClaimToken ClaimSet::add(ClaimedDelivery delivery) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t token = ++next_token_;
  seqs_[delivery.destination].insert(delivery.seq);
  entries_.emplace(token, Entry{std::move(delivery), false});
  return {token};
}

bool ClaimSet::contains(DestinationNumber destination, std::int64_t seq) const {
  const std::lock_guard lock(mutex_);
  const auto found = seqs_.find(destination);
  return found != seqs_.end() && found->second.contains(seq);
}

std::optional<ClaimedDelivery> ClaimSet::find(ClaimToken token) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(token.value);
  if (found == entries_.end()) return std::nullopt;
  return found->second.delivery;
}

std::optional<ClaimedDelivery> ClaimSet::begin_settlement(ClaimToken token) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(token.value);
  if (found == entries_.end() || found->second.settling) return std::nullopt;
  found->second.settling = true;
  return found->second.delivery;
}

void ClaimSet::end(ClaimToken token) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(token.value);
  if (found != entries_.end()) erase(found);
}

std::optional<DestinationNumber> ClaimSet::release(ClaimToken token) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(token.value);
  if (found == entries_.end() || found->second.settling) return std::nullopt;
  const DestinationNumber destination = found->second.delivery.destination;
  erase(found);
  return destination;
}

void ClaimSet::erase(std::unordered_map<std::uint64_t, Entry>::iterator entry) {
  seqs_[entry->second.delivery.destination].erase(entry->second.delivery.seq);
  entries_.erase(entry);
}

}  // namespace relay
