// The text of GET /metrics (contract, "Metrics"): Prometheus' exposition format. Totals come from the journal, so they
// survive a restart; every series is there from the start at 0; no label names a client.
#pragma once

#include <string>

#include "operations/health.hpp"

namespace relay {

inline constexpr std::string_view metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

// `facts` must hold a snapshot; `health` is their assessment.
std::string metrics_text(const HealthFacts& facts, const Health& health);

}  // namespace relay
