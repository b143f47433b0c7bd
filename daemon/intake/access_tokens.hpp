// AccessTokens: tokens that senders get for a signed assertion, as at ReportStream. Each is good for five minutes and
// stands for one client. Kept in memory: after a restart a sender is told 401 and gets a new one, as when it ran out.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/secret.hpp"

namespace relay {

// Thread-safe.
class AccessTokens {
 public:
  static constexpr std::chrono::seconds lifetime{300};

  // `clock` outlives it.
  explicit AccessTokens(const Clock& clock) : clock_(clock) {}

  Secret issue(const std::string& client);
  // Whose token that is; nothing for one that was never issued or has run out.
  std::optional<std::string> client_of(std::string_view token) const;
  // Keeps those alone whose clients are named here: the others' keys are gone.
  void keep_only(const std::vector<std::string>& clients);

 private:
  struct Issued {
    std::string client;
    MonotonicTime ends;
  };

  const Clock& clock_;
  mutable std::mutex mutex_;
  // By the token's SHA-256: how long a look-up takes says nothing of a token that isn't known.
  std::map<std::string, Issued> issued_;
};

}  // namespace relay
