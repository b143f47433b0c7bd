// What an HTTP endpoint's answer means: the classifier of destination `http`. Sources: RFC 9110 section 15 (statuses),
// RFC 6585 (429, 511), draft-ietf-httpapi-idempotency-key-header (409 while the same key is under way).
//
// | answer                                                     | outcome, kind                                        |
// | ---------------------------------------------------------- | ---------------------------------------------------- |
// | `accept.status`, and type and text are as `accept` says    | accepted; status, location = receipt                 |
// | the same, but HTML where accept.content_type doesn't name  | broken, unexpected_answer                            |
// |   it, another type, or without the text                    |                                                      |
// | `refuse.status`                                            | refused (413: too_large)                             |
// | any other 2xx                                              | broken, unexpected_answer                            |
// | 3xx (never followed)                                       | broken, redirect                                     |
// | 401 (a fresh sign-in was tried)                            | broken, sign_in                                      |
// | 403                                                        | broken, forbidden                                    |
// | 404                                                        | broken, not_found                                    |
// | 407, 511                                                   | broken, proxy                                        |
// | 410                                                        | broken, gone                                         |
// | 408, 504                                                   | unknown, timeout                                     |
// | 409, 503                                                   | try later, unavailable                               |
// | 425, 429                                                   | try later, throttled                                 |
// | 501, 505                                                   | broken, unexpected_answer                            |
// | any other 5xx                                              | unknown, unavailable                                 |
// | everything else                                            | broken, unexpected_answer                            |
//
// No answer at all: before the whole request went out broken (unreachable, dns, tls, proxy, timeout); after it unknown.
#pragma once

#include "base/clock.hpp"
#include "base/http_client.hpp"
#include "settings/http_settings.hpp"
#include "submission/outcome.hpp"

namespace relay {

AttemptResult classify_http_endpoint_answer(const HttpSettings& settings, const HttpClientResponse& response,
                                            WallTime now);

}  // namespace relay
