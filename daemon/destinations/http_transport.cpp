#include "destinations/http_transport.hpp"

#include "destinations/user_agent.hpp"

namespace relay {

HttpClientOptions http_client_options(const DestinationSettings& destination, const std::string& site,
                                      std::size_t max_connections) {
  HttpClientOptions options;
  options.user_agent = user_agent(site);
  options.ca_file = destination.transport.ca_file;
  options.proxy = destination.transport.proxy;
  options.proxy_credentials = destination.transport.proxy_credentials.value();
  options.no_proxy = destination.transport.no_proxy;
  options.max_connections = max_connections;
  return options;
}

}  // namespace relay
