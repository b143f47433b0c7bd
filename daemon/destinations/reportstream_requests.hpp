// The requests to ReportStream's API, but for what signs them in, and the rows of its list of submissions.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/http_client.hpp"
#include "settings/reportstream_settings.hpp"
#include "submission/submission.hpp"

namespace relay {

// Who is sending, as ReportStream is told.
std::string reportstream_client(const ReportStreamSettings& settings, const Submission& submission);
// "<id>" or "<sender's name>~<id>", fit for a header; a very long name is cut, the id never.
std::string reportstream_payload_name(const Submission& submission);

HttpClientRequest submit_request(const ReportStreamSettings& settings, const Submission& submission,
                                 std::shared_ptr<HttpBodySource> body);
// `cursor`: only rows older than that; empty: from the newest on.
HttpClientRequest list_request(const ReportStreamSettings& settings, const std::string& client, WallTime since,
                               const std::string& cursor);
HttpClientRequest history_request(const ReportStreamSettings& settings, const std::string& report_id);

struct ListedSubmission {
  std::string id;  // of the report; empty where the service has none
  std::string submission_id;
  std::string external_name;
  std::string timestamp;
  bool taken = false;  // its httpStatus is 2xx
};
// Nothing where the body isn't such a list.
std::optional<std::vector<ListedSubmission>> read_submission_list(const std::string& body);

}  // namespace relay
