// One MLLP listener's configuration (contract, "MLLP intake").
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_network.hpp"
#include "base/listen_address.hpp"
#include "settings/access_settings.hpp"

namespace relay {

enum class AcknowledgementMode { original, enhanced, automatic };
enum class WhenUnavailable { close, nak };
enum class OnRepeat { absorb, accept };
// What MSH-11.1 must be: anything, P, or T or D.
enum class TestProductionGuard { off, production, test };

// Who a sender is by what its messages say: globs over MSH-3 and MSH-4; all that is named must match.
struct MllpClientRule {
  std::optional<std::string> msh3;
  std::optional<std::string> msh4;
  std::string client;
};

struct MllpListenerSettings {
  ListenAddress listen{"127.0.0.1", 2575, ""};
  std::optional<std::string> client{};  // where no rule matches
  std::vector<MllpClientRule> clients;  // the first match wins
  std::optional<std::vector<IpNetwork>> allow_from{};
  AcknowledgementMode ack = AcknowledgementMode::original;
  WhenUnavailable when_unavailable = WhenUnavailable::close;
  OnRepeat on_repeat = OnRepeat::absorb;
  std::chrono::milliseconds dedupe_window{std::chrono::hours(24)};
  TestProductionGuard test_production_guard = TestProductionGuard::off;
  std::size_t max_connections = 1024;
  bool insecure = false;
  std::optional<TlsListenerSettings> tls{};

  bool may_connect(std::string_view address) const { return !allow_from || contains(*allow_from, address); }
  // Something says who may connect: a certificate, or an address.
  bool guarded() const { return allow_from || (tls && tls->asks_for_certificates()); }
};

}  // namespace relay
