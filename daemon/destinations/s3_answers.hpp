// What an answer of S3 means for a delivery: the classifier. Sources: "PutObject" and "Error responses" in the "Amazon
// S3 API Reference", "Conditional writes" in the "Amazon S3 User Guide" (docs.aws.amazon.com/AmazonS3/latest).
//
// | answer to the PUT                                        | outcome, kind                                         |
// | -------------------------------------------------------- | ----------------------------------------------------- |
// | 200 with an ETag, no web page                            | accepted                                              |
// | 412 to If-None-Match: *                                  | a HEAD decides: our id there: accepted; another's or  |
// |                                                          | none: refused; 404: try later; else as that answer    |
// | 409 ConditionalRequestConflict, OperationAborted, others | try later, unavailable                                |
// | 501 to If-None-Match: *                                  | sent again without it, then never with it             |
// | 400 EntityTooLarge, 413                                  | refused, too_large                                    |
// | 400 KeyTooLongError                                      | refused                                               |
// | 400, 403 ExpiredToken, InvalidToken, InvalidAccessKeyId, | broken, sign_in                                       |
// |   SignatureDoesNotMatch, TokenRefreshRequired …; 401     |                                                       |
// | 403, 400 RequestTimeTooSkewed; 400, 401, 403 with a Date | broken, clock                                         |
// |   more than 15 minutes from our clock                    |                                                       |
// | 400 KMS.…; any other 403                                 | broken, forbidden                                     |
// | 400 RequestTimeout, 408                                  | try later, timeout                                    |
// | any other 400                                            | broken, unexpected_answer                             |
// | 3xx (never followed)                                     | broken, redirect                                      |
// | 404                                                      | broken, not_found                                     |
// | 410                                                      | broken, gone                                          |
// | 429                                                      | try later, throttled                                  |
// | 502, 504                                                 | unknown: a HEAD looks                                 |
// | 511 (a portal wants a sign-in)                           | broken, proxy                                         |
// | other 5xx (503 SlowDown)                                 | try later, unavailable                                |
// | everything else, HTML                                    | broken, unexpected_answer                             |
//
// No answer at all: before the whole request went out broken (unreachable, dns, tls, proxy, timeout); after it unknown:
// a HEAD looks, and our id there is accepted.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/http_client.hpp"
#include "submission/outcome.hpp"

namespace relay {

struct S3AnswerContext {
  std::string bucket;
  WallTime now{};
};

// Of a PUT. Not 412 and 501, which are for who has sent a condition to look into: without one they are broken.
AttemptResult classify_s3_answer(const S3AnswerContext& context, const HttpClientResponse& response);
// All failures but body_failed, which only the payload's reader can tell apart.
AttemptResult classify_s3_failure(const S3AnswerContext& context, const TransferError& failure);

// What a HEAD found.
enum class S3Object {
  ours,     // our id stands in its metadata
  another,  // there, and not ours
  absent,
  unknown,  // it can't be looked at
};
S3Object found_by_head(const HttpClientResponse& response, std::string_view id);

// The error code of an answer: letters, digits and dots, at most 64; empty where there is none. Takes any bytes.
std::string s3_error_code(const HttpClientResponse& response);

}  // namespace relay
