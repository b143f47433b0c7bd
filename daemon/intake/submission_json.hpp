// A submission as JSON, as every HTTP answer and `--json` shows it (contract, "HTTP intake" and "Operator endpoint").
#pragma once

#include <string>

#include "base/json_text.hpp"
#include "submission/delivery.hpp"

namespace relay {

struct SubmissionJsonOptions {
  bool payload_name = false;  // else null: the reader isn't authenticated
  bool remote_text = false;   // last_error.remote_text
  bool receipt = true;
  bool history = false;
};
std::string submission_json(const SubmissionView& view, const SubmissionJsonOptions& options);
// The same as one value of what is being written.
void write_submission(JsonText& json, const SubmissionView& view, const SubmissionJsonOptions& options);
// The same in parts: members of an object that the caller has begun, adds to, and ends.
void write_submission_members(JsonText& json, const SubmissionView& view, const SubmissionJsonOptions& options);
void write_deliveries_member(JsonText& json, const SubmissionView& view, const SubmissionJsonOptions& options);
void write_delivery_members(JsonText& json, const DeliveryView& delivery, const SubmissionJsonOptions& options);

}  // namespace relay
