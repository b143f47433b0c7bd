// The bodies of GET /health and GET /v1/status (contract, "Operator endpoint").
#pragma once

#include <functional>
#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include "operations/flow_rates.hpp"
#include "operations/health.hpp"

namespace relay {

struct HealthJsonOptions {
  bool remote_text = false;  // of last_error: only where the reader may see it
};
boost::json::object health_json(const Health& health, const HealthJsonOptions& options);
// The /health body plus, per destination, its totals; and its rates where they are known.
boost::json::object status_json(const Health& health, const FlowRates& rates, const HealthJsonOptions& options);

}  // namespace relay
