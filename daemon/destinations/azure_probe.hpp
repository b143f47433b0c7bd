// What `check --connect` says about an Azure destination: harmless reads, and what the SAS says of itself. Sends no
// submission and makes nothing.
#pragma once

#include <chrono>
#include <vector>

#include "base/clock.hpp"
#include "base/http_client.hpp"
#include "destinations/azure_account.hpp"
#include "destinations/destination.hpp"

namespace relay {

// A line for each service that the envelope needs, one for the clock where it is wrong. Blocks at most `timeout` or so.
std::vector<ProbeFinding> probe_azure(const AzureAccount& account, const AzureStorageQueueSettings& settings,
                                      const HttpClientOptions& transport, std::chrono::milliseconds timeout,
                                      const Clock& clock);

}  // namespace relay
