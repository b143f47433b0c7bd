// What ReportStream's endpoints answer, for senders that were written for them: the JSON of a submission and of its
// history, and the forms of a token request (wire facts: prime-router of CDCgov/prime-reportstream, `POST /api/waters`,
// `GET /api/waters/report/{id}/history`, `POST /api/token`).
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "submission/delivery.hpp"

namespace relay {

// "Received", "Waiting to Deliver", "Partially Delivered", "Delivered", "Not Delivering", "Error".
std::string_view reportstream_status(const SubmissionView& view);
// A number that is the submission's own, below 2^53 so that every JSON reader keeps it: the id's milliseconds and the
// twelve bits behind them.
std::uint64_t reportstream_submission_id(const SubmissionId& id);
// `overall_status`: of an answer to a report always "Received". `payload_name`: whether the reader may see it.
boost::json::object reportstream_json(const SubmissionView& view, std::string_view overall_status, bool payload_name,
                                      unsigned http_status);

}  // namespace relay
