// What ReportStream's answers mean: the classifier. Source: CDCgov/prime-reportstream, prime-router (Azure functions
// `waters`, `reports`, `token`, submission history).
//
// A submission is handed over (POST /api/waters or /api/reports):
// | answer                                                        | outcome, kind                                     |
// | ------------------------------------------------------------- | ------------------------------------------------- |
// | 200, 201, 202: JSON with `id` or `reportId`                   | accepted; id, submissionId, Location = receipt    |
// | 200, 201, 202: HL7 ACK, MSA-2 ours, MSA-1 AA or CA            | accepted                                          |
// | the same with AE, CE, AR or CR                                | refused                                           |
// | any other 2xx, HTML, an ACK of another message                | broken, unexpected_answer                         |
// | 3xx (never followed)                                          | broken, redirect                                  |
// | 400 "… are duplicates." after a try whose outcome is unknown  | accepted                                          |
// | 400, 415, 422                                                 | refused                                           |
// | 413                                                           | refused, too_large                                |
// | 401 (a fresh token was tried)                                 | broken, sign_in                                   |
// | 403                                                           | broken, forbidden                                 |
// | 404                                                           | broken, not_found                                 |
// | 407, 511                                                      | broken, proxy                                     |
// | 410 (an inactive sender)                                      | broken, gone                                      |
// | 408, 504                                                      | unknown, timeout                                  |
// | 429                                                           | try later, throttled                              |
// | 503                                                           | try later, unavailable                            |
// | 501, 505                                                      | broken, unexpected_answer                         |
// | any other 5xx                                                 | unknown, unavailable                              |
// | everything else                                               | broken, unexpected_answer                         |
//
// No answer at all: before the whole request went out broken (unreachable, dns, tls, proxy, timeout); after it unknown.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/http_client.hpp"
#include "submission/confirmation.hpp"
#include "submission/outcome.hpp"

namespace relay {

struct ReportStreamContext {
  std::string control_id;           // of the payload, for an HL7 acknowledgement; empty where it has none
  bool possibly_delivered = false;  // an earlier try's outcome is unknown
  WallTime now{};
};

AttemptResult classify_reportstream_answer(const ReportStreamContext& context, const HttpClientResponse& response);

// A submission's history (GET /api/waters/report/{id}/history), `since` its delivery: Received, Valid, Waiting to
// Deliver are pending; Delivered is confirmed; Error, Not Delivering are failed; Partially Delivered is pending for 7
// days, then failed. Nothing where the answer doesn't hold one of these.
struct ReportStreamStatus {
  Confirmation confirmation = Confirmation::pending;
  std::string overall_status;
};
std::optional<ReportStreamStatus> reportstream_status(const HttpClientResponse& response,
                                                      std::chrono::milliseconds since_delivery);

}  // namespace relay
