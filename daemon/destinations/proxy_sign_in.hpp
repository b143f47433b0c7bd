// ProxySignIn: the proxy's credentials, read again where it doesn't take them.
#pragma once

#include "base/http_client.hpp"
#include "base/result.hpp"
#include "settings/secret_text.hpp"

namespace relay {

class ProxySignIn {
 public:
  explicit ProxySignIn(SecretText credentials) : credentials_(std::move(credentials)) {}

  // Grows with every change.
  unsigned generation() const { return generation_; }
  // True where they have changed: the client's next transfers go with the new ones. On the caller's thread.
  Result<bool> refresh(HttpClient& client) {
    Result<bool> changed = credentials_.refresh();
    if (!changed || !*changed) return changed;
    client.use_proxy_credentials(credentials_.value());
    ++generation_;
    return true;
  }

 private:
  SecretText credentials_;
  unsigned generation_ = 0;
};

}  // namespace relay
