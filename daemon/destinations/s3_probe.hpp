// What `check --connect` says of a bucket, from a read of an object that isn't there: the code of its error tells a
// sign-in that isn't taken from a bucket that isn't there and a right that is missing.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "destinations/destination.hpp"
#include "destinations/s3_requests.hpp"

namespace relay {

std::vector<ProbeFinding> probe_s3(const S3Requests& requests, const std::string& bucket,
                                   const HttpClientOptions& transport, std::chrono::milliseconds timeout,
                                   const Clock& clock);

}  // namespace relay
