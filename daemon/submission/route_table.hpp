// RouteTable: which destinations a submission goes to. First match wins; then `otherwise`; then no route.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "submission/limits.hpp"
#include "submission/submission.hpp"

namespace relay {

struct RouteMatch {
  std::optional<std::string> client{};  // glob
  std::optional<std::string> content_type{};
  std::optional<Intake> intake{};
};

struct Route {
  RouteMatch match;
  std::vector<std::string> to;  // names of destinations, each once, at least one
};

class RouteTable {
 public:
  RouteTable() = default;
  RouteTable(std::vector<Route> routes, std::vector<std::string> otherwise,
             std::map<std::string, DestinationLimits> limits);

  // The destinations, or nullptr where no route matches. Valid as long as the table.
  const std::vector<std::string>* find(std::string_view client, std::string_view content_type, Intake intake) const;
  // The tightest max_payload of those destinations.
  ByteCount max_payload(const std::vector<std::string>& destinations) const;
  // The first destination that doesn't take this type, nothing where all do.
  std::optional<std::string> refuses_type(const std::vector<std::string>& destinations,
                                          std::string_view content_type) const;
  // The first destination that doesn't take this client, nothing where all do.
  std::optional<std::string> refuses_client(const std::vector<std::string>& destinations,
                                            std::string_view client) const;
  bool reaches_reportstream(const std::vector<std::string>& destinations) const;
  bool goes_in_mllp_frames(const std::vector<std::string>& destinations) const;
  const std::vector<Route>& routes() const { return routes_; }
  const std::vector<std::string>& otherwise() const { return otherwise_; }

 private:
  bool any_of(const std::vector<std::string>& destinations, bool DestinationLimits::*property) const;

  std::vector<Route> routes_;
  std::vector<std::string> otherwise_;
  std::map<std::string, DestinationLimits> limits_;
};

}  // namespace relay
