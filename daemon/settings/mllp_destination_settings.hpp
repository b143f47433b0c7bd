// Destination `mllp` as it is configured (contract, "Destination keys by type").
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "settings/http_settings.hpp"

namespace relay {

struct MllpDestinationSettings {
  std::string host;  // a name or an address, the latter without brackets
  std::uint16_t port = 0;
  bool tls = false;
  std::string ca_file;  // path or PEM text; empty: the system's
  ClientCertificateSettings client_certificate;
  // From the message's last byte to its acknowledgement.
  std::chrono::milliseconds ack_timeout{30'000};
};

}  // namespace relay
