// What `check --connect` says about ReportStream: asks for a token, and looks whether the list of submissions may be
// read, which a look after an unanswered try needs. Sends no submission.
#pragma once

#include <chrono>
#include <vector>

#include "base/clock.hpp"
#include "base/http_client.hpp"
#include "destinations/destination.hpp"
#include "destinations/reportstream_sign_in.hpp"
#include "settings/reportstream_settings.hpp"

namespace relay {

// Blocks at most a few times `timeout`. Uses a copy of the sign-in: the destination's own tokens stay as they are.
std::vector<ProbeFinding> probe_reportstream(const ReportStreamSettings& settings, ReportStreamSignIn sign_in,
                                             const HttpClientOptions& transport, std::chrono::milliseconds timeout,
                                             const Clock& clock);

}  // namespace relay
