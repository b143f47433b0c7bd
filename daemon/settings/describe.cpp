#include "settings/describe.hpp"

#include <algorithm>

#include "settings/units.hpp"

namespace relay {
namespace {

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

std::string match_text(const RouteMatch& match) {
  std::vector<std::string> parts;
  if (match.client) parts.push_back("client " + *match.client);
  if (match.content_type) parts.push_back(*match.content_type);
  if (match.intake) parts.push_back("through " + std::string(intake_name(*match.intake)));
  if (match.msh3) parts.push_back("MSH-3 " + *match.msh3);
  if (match.msh4) parts.push_back("MSH-4 " + *match.msh4);
  if (match.msh9) parts.push_back("MSH-9 " + *match.msh9);
  return parts.empty() ? "everything" : joined(parts);
}

// What would get through the door to all of these destinations.
std::string taken_text(const Settings& settings, const RouteTable& table, const RouteMatch& match,
                       const std::vector<std::string>& to) {
  std::vector<std::string> types;
  for (const auto& type : settings.intake.content_types) {
    if (match.content_type && *match.content_type != type) continue;
    if (match.asks_message() && type != hl7_media_type) continue;
    if (!table.refuses_type(to, type)) types.push_back(type);
  }
  if (types.empty()) return "takes nothing: no content type suits the door and every destination";
  const ByteCount largest = std::min(settings.intake.max_payload, table.max_payload(to));
  return "takes " + joined(types) + ", up to " + format_byte_count(largest);
}

}  // namespace

std::string describe_route(const RouteTable& table, const Route& route) {
  if (&route == &table.otherwise()) {
    return (table.routes().empty() ? "everything -> " : "otherwise -> ") + joined(route.to);
  }
  const auto number = &route - table.routes().data() + 1;
  return "route " + std::to_string(number) + ": " + match_text(route.match) + " -> " + joined(route.to);
}

std::vector<std::string> describe_routes(const Settings& settings,
                                         const std::map<std::string, DestinationLimits>& limits) {
  const RouteTable table(settings.routes, settings.otherwise, limits);
  std::vector<std::string> lines;
  for (const auto& route : settings.routes) {
    lines.push_back(describe_route(table, table.routes().at(lines.size())) + "; " +
                    taken_text(settings, table, route.match, route.to));
  }
  if (settings.otherwise.empty()) {
    lines.emplace_back("otherwise: refused at the door (no route)");
  } else {
    lines.push_back(describe_route(table, table.otherwise()) + "; " +
                    taken_text(settings, table, {}, settings.otherwise));
  }
  return lines;
}

}  // namespace relay
