// Who may use a listener, as the configuration says it (contract, the rules under "Configuration").
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/tls_context.hpp"

namespace relay {

// Whose certificate means which client: all that is named must match.
struct TlsClientRule {
  std::optional<std::string> subject_cn{};
  std::optional<std::string> san_dns{};
  std::string client;
};

struct TlsListenerSettings {
  TlsFiles files;
  std::vector<TlsClientRule> clients;  // the first match wins

  bool asks_for_certificates() const { return !files.client_ca.empty(); }
};

// A sender that signs in as at ReportStream: its public key, and who it is.
struct SenderKey {
  std::string client;
  std::string public_key_pem;
};

// At most that many a second, in bursts of one second's worth.
struct Rate {
  double per_second = 0;
};
// "100/s", "30/m", "600/h"; nothing for anything else, or none at all.
std::optional<Rate> parse_rate(std::string_view text);

}  // namespace relay
