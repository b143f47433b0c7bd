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

bool field_matches(const std::optional<std::string>& glob, const Hl7HeaderSegment& header, unsigned field) {
  return !glob || glob_matches(*glob, header.field(field)) || glob_matches(*glob, header.component(field, 1));
}

// Only the header of a message has a type.
bool type_matches(const std::optional<std::string>& glob, const Hl7HeaderSegment& header) {
  if (!glob) return true;
  if (header.name() != "MSH") return false;
  if (field_matches(glob, header, 9)) return true;
  return glob_matches(*glob, std::string(header.component(9, 1)) + '^' + std::string(header.component(9, 2)));
}

bool message_matches(const RouteMatch& match, const Hl7HeaderSegment* header) {
  if (!match.asks_message()) return true;
  return header != nullptr && field_matches(match.msh3, *header, 3) && field_matches(match.msh4, *header, 4) &&
         type_matches(match.msh9, *header);
}

}  // namespace

RouteTable::RouteTable(std::vector<Route> routes, std::vector<std::string> otherwise,
                       std::map<std::string, DestinationLimits> limits)
    : routes_(std::move(routes)), otherwise_{{}, std::move(otherwise)}, limits_(std::move(limits)) {}

Ordering ordering_of(const Route& route, Intake intake) {
  if (route.ordering) return *route.ordering;
  return intake == Intake::mllp || intake == Intake::folder ? Ordering::client : Ordering::none;
}

const Route* RouteTable::find(std::string_view client, std::string_view content_type, Intake intake,
                              const Hl7HeaderSegment* header) const {
  for (const Route* route : candidates(client, content_type, intake)) {
    if (message_matches(route->match, header)) return route;
  }
  return nullptr;
}

std::vector<const Route*> RouteTable::candidates(std::string_view client, std::string_view content_type,
                                                 Intake intake) const {
  std::vector<const Route*> found;
  for (const Route& route : routes_) {
    if (!matches(route.match, client, content_type, intake)) continue;
    if (route.match.asks_message() && content_type != hl7_media_type) continue;
    found.push_back(&route);
    if (!route.match.asks_message()) return found;
  }
  if (!otherwise_.to.empty()) found.push_back(&otherwise_);
  return found;
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
