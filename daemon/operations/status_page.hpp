// The status page (contract, `GET /`): what health says, as a page for people with a browser and no account here. One
// page that asks for nothing else and runs no script; it loads itself anew now and then.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "operations/flow_rates.hpp"
#include "operations/health.hpp"
#include "submission/delivery.hpp"

namespace relay {

// `dead`: the newest dead letters, with the relay's own words for why; nothing of their payloads' names is shown.
std::string status_page(const Health& health, const FlowRates& rates, const std::vector<SubmissionView>& dead,
                        WallTime now);
// Content-Security-Policy: nothing but the page's own style.
std::string status_page_policy();

inline constexpr std::string_view status_page_content_type = "text/html; charset=utf-8";
inline constexpr std::size_t dead_letters_on_the_page = 20;

}  // namespace relay
