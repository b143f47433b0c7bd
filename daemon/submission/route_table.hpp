// RouteTable: which destinations a submission goes to. First match wins; then `otherwise`; then no route.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "submission/delivery_order.hpp"
#include "submission/hl7_segment.hpp"
#include "submission/limits.hpp"
#include "submission/submission.hpp"

namespace relay {

struct RouteMatch {
  std::optional<std::string> client{};  // glob
  std::optional<std::string> content_type{};
  std::optional<Intake> intake{};
  // Globs over a field of the first HL7 header, its first component, and of MSH-9 its first two (ORU^R01).
  std::optional<std::string> msh3{};
  std::optional<std::string> msh4{};
  std::optional<std::string> msh9{};

  bool asks_message() const { return msh3 || msh4 || msh9; }
};

struct Route {
  RouteMatch match;
  std::vector<std::string> to;         // names of destinations, each once, at least one
  std::optional<Ordering> ordering{};  // nothing: as the door has it
  OnDeadLetter on_dead_letter = OnDeadLetter::go_on;
};
// In which order what comes through that door goes by that route: by client through MLLP and folders, else in none.
Ordering ordering_of(const Route& route, Intake intake);

// The media type of HL7 v2: only of that a route can ask for fields of MSH.
inline constexpr std::string_view hl7_media_type = "application/hl7-v2";

class RouteTable {
 public:
  RouteTable() = default;
  RouteTable(std::vector<Route> routes, std::vector<std::string> otherwise,
             std::map<std::string, DestinationLimits> limits);

  // The route, or nullptr where none matches. `header`: the payload's first MSH (else BHS or FHS), nullptr where it has
  // none. Valid as long as the table.
  const Route* find(std::string_view client, std::string_view content_type, Intake intake,
                    const Hl7HeaderSegment* header) const;
  // Those that it may be once the payload is seen, in their order; one alone that doesn't ask for the message is it.
  std::vector<const Route*> candidates(std::string_view client, std::string_view content_type, Intake intake) const;
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
  // What no route matches goes by it; its `to` may be empty: then there is none.
  const Route& otherwise() const { return otherwise_; }

 private:
  bool any_of(const std::vector<std::string>& destinations, bool DestinationLimits::*property) const;

  std::vector<Route> routes_;
  Route otherwise_;
  std::map<std::string, DestinationLimits> limits_;
};

}  // namespace relay
