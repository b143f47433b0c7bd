// What `check --connect` says about an HTTP endpoint: signs in, and looks whether anything answers at its address.
// Sends no submission.
#pragma once

#include <chrono>
#include <vector>

#include "base/clock.hpp"
#include "base/http_client.hpp"
#include "destinations/destination.hpp"
#include "destinations/http_endpoint_sign_in.hpp"
#include "settings/http_settings.hpp"

namespace relay {

// Blocks at most a few times `timeout`. Uses a copy of the sign-in: the destination's own token stays as it is.
std::vector<ProbeFinding> probe_http_endpoint(const HttpSettings& settings, HttpEndpointSignIn sign_in,
                                              const HttpClientOptions& transport, std::chrono::milliseconds timeout,
                                              const Clock& clock);

}  // namespace relay
