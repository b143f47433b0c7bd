// A submission as JSON, as every HTTP answer and `--json` shows it (contract, "HTTP intake" and "Operator endpoint").
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/storage_ptr.hpp>

#include "submission/delivery.hpp"

namespace relay {

struct SubmissionJsonOptions {
  bool payload_name = false;  // else null: the reader isn't authenticated
  bool remote_text = false;   // last_error.remote_text
  bool receipt = true;
  bool history = false;
};
// `storage` is where its values lie.
boost::json::object submission_json(const SubmissionView& view, const SubmissionJsonOptions& options,
                                    const boost::json::storage_ptr& storage = {});

}  // namespace relay
