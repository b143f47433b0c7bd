// How an HTTP destination's client is set up by its configuration.
#pragma once

#include <string>

#include "base/http_client.hpp"
#include "settings/settings.hpp"

namespace relay {

HttpClientOptions http_client_options(const DestinationSettings& destination, const std::string& site,
                                      std::size_t max_connections);

}  // namespace relay
