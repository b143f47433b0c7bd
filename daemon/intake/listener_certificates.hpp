// ListenerCertificates: what a listener shows of itself under TLS, from one configuration to the next.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/listen_address.hpp"
#include "base/result.hpp"
#include "base/tls_context.hpp"
#include "settings/access_settings.hpp"

namespace relay {

// Used by one thread at a time.
class ListenerCertificates {
 public:
  ListenerCertificates(const std::optional<TlsListenerSettings>& tls, const ListenAddress& listen);

  // Before the listener opens: why it can't.
  Result<void> usable() const;
  // Another configuration. What can't be used is logged, and what was in use stays.
  void change(const std::optional<TlsListenerSettings>& tls);
  // nullptr: plain.
  const std::shared_ptr<TlsContext>& context() const { return context_; }

 private:
  void use(const std::optional<TlsListenerSettings>& tls);

  const std::string listen_;
  std::shared_ptr<TlsContext> context_;
  std::string unusable_;  // why
};

}  // namespace relay
