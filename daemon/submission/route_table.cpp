#include "submission/route_table.hpp"

#include <algorithm>
#include <utility>

#include "submission/client_name.hpp"

namespace relay {
namespace {

bool matches(const RouteMatch& match, std::string_view client, std::string_view content_type, Intake intake) {
  if (match.client && !glob_matches(*match.client, client)) return false;
  if (match.content_type && *match.content_type != content_type) return false;
  return !match.intake || *match.intake == intake;
}

}  // namespace

RouteTable::RouteTable(std::vector<Route> routes, std::vector<std::string> otherwise,
                       std::map<std::string, DestinationLimits> limits)
    : routes_(std::move(routes)), otherwise_(std::move(otherwise)), limits_(std::move(limits)) {}

const std::vector<std::string>* RouteTable::find(std::string_view client, std::string_view content_type,
                                                 Intake intake) const {
  for (const auto& route : routes_) {
    if (matches(route.match, client, content_type, intake)) return &route.to;
  }
  return otherwise_.empty() ? nullptr : &otherwise_;
}

ByteCount RouteTable::max_payload(const std::vector<std::string>& destinations) const {
  ByteCount tightest = DestinationLimits{}.max_payload;
  for (const auto& name : destinations) {
    const auto limits = limits_.find(name);
    if (limits != limits_.end()) tightest = std::min(tightest, limits->second.max_payload);
  }
  return tightest;
}

std::optional<std::string> RouteTable::refuses_type(const std::vector<std::string>& destinations,
                                                    std::string_view content_type) const {
  for (const auto& name : destinations) {
    const auto limits = limits_.find(name);
    if (limits == limits_.end() || limits->second.content_types.empty()) continue;
    if (std::ranges::find(limits->second.content_types, content_type) == limits->second.content_types.end())
      return name;
  }
  return std::nullopt;
}

std::optional<std::string> RouteTable::refuses_client(const std::vector<std::string>& destinations,
                                                      std::string_view client) const {
  for (const auto& name : destinations) {
    const auto limits = limits_.find(name);
    if (limits == limits_.end() || limits->second.organization.empty()) continue;
    if (client.substr(0, client.find('.')) != limits->second.organization) return name;
  }
  return std::nullopt;
}

bool RouteTable::any_of(const std::vector<std::string>& destinations, bool DestinationLimits::*property) const {
  return std::ranges::any_of(destinations, [&](const std::string& name) {
    const auto limits = limits_.find(name);
    return limits != limits_.end() && limits->second.*property;
  });
}

bool RouteTable::reaches_reportstream(const std::vector<std::string>& destinations) const {
  return any_of(destinations, &DestinationLimits::reaches_reportstream);
}

bool RouteTable::goes_in_mllp_frames(const std::vector<std::string>& destinations) const {
  return any_of(destinations, &DestinationLimits::goes_in_mllp_frames);
}

}  // namespace relay
