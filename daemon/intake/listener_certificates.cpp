#include "intake/listener_certificates.hpp"

#include <utility>

#include "base/log.hpp"

namespace relay {

ListenerCertificates::ListenerCertificates(const std::optional<TlsListenerSettings>& tls, const ListenAddress& listen)
    : listen_(listen.text()) {
  use(tls);
}

Result<void> ListenerCertificates::usable() const {
  if (unusable_.empty()) return {};
  return fail("can't listen on " + listen_ + ": " + unusable_);
}

void ListenerCertificates::change(const std::optional<TlsListenerSettings>& tls) {
  use(tls);
  if (!unusable_.empty()) {
    log_error("the certificates of before stay in use", {{"listen", listen_}, {"reason", unusable_}});
  }
}

void ListenerCertificates::use(const std::optional<TlsListenerSettings>& tls) {
  unusable_.clear();
  if (!tls) return context_.reset();
  auto made = TlsContext::make(tls->files);
  if (made) {
    context_ = std::move(*made);
  } else {
    unusable_ = made.error().message;
  }
}

}  // namespace relay
