// Destination http: sends each submission to a URL, as the body of one request.
//
//   POST <url>    Idempotency-Key: <id>, Content-Type: as the sender said, the configuration's headers, Authorization
//
// The submission's id is the same in every try, so that a server which heeds Idempotency-Key
// (draft-ietf-httpapi-idempotency-key-header) takes a repeat for one. What any other server does with the repeat of a
// try that had no answer isn't known: those are counted (edge_relay_possible_repeats_total). A configured header of
// that name stands in its place. Redirects are never followed, so that neither payload nor credentials go elsewhere.
#pragma once

#include <memory>
#include <string>

#include "base/clock.hpp"
#include "destinations/destination.hpp"
#include "settings/settings.hpp"

namespace relay {

std::unique_ptr<Destination> make_http_endpoint(const DestinationSettings& destination, const HttpSettings& settings,
                                                const std::string& site, const Clock& clock);

}  // namespace relay
