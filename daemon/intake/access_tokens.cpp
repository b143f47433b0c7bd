#include "intake/access_tokens.hpp"

#include <algorithm>
#include <vector>

#include "base/bearer_tokens.hpp"

namespace relay {

Secret AccessTokens::issue(const std::string& client) {
  const MonotonicTime now = clock_.monotonic_now();
  Secret token = new_bearer_token();
  const std::lock_guard lock(mutex_);
  std::erase_if(issued_, [&](const auto& each) { return each.second.ends <= now; });
  issued_[sha256(token.reveal()).hex()] = {client, now + lifetime};
  return token;
}

std::optional<std::string> AccessTokens::client_of(std::string_view token) const {
  const std::string digest = sha256(token).hex();
  const std::lock_guard lock(mutex_);
  const auto found = issued_.find(digest);
  if (found == issued_.end() || found->second.ends <= clock_.monotonic_now()) return std::nullopt;
  return found->second.client;
}

void AccessTokens::keep_only(const std::vector<std::string>& clients) {
  const std::lock_guard lock(mutex_);
  std::erase_if(issued_, [&](const auto& each) {
    return std::find(clients.begin(), clients.end(), each.second.client) == clients.end();
  });
}

}  // namespace relay
