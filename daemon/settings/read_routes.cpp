#include <algorithm>
#include <set>

#include "settings/nearest_name.hpp"
#include "settings/section_readers.hpp"
#include "submission/client_name.hpp"
#include "submission/media_type.hpp"

namespace relay {
namespace {

struct PlacedRoute {
  Route route;
  Place place;
  std::string name;
};

bool is_literal(std::string_view glob) {
  return glob.find_first_of("*?") == std::string_view::npos;
}

bool covers_client(const std::optional<std::string>& earlier, const std::optional<std::string>& later) {
  if (!earlier || *earlier == "*") return true;
  return later && (*earlier == *later || (is_literal(*later) && glob_matches(*earlier, *later)));
}

// True when what `later` matches never gets there. Says no where it isn't plain.
bool covers(const RouteMatch& earlier, const RouteMatch& later) {
  return covers_client(earlier.client, later.client) &&
         (!earlier.content_type || earlier.content_type == later.content_type) &&
         (!earlier.intake || earlier.intake == later.intake) && (!earlier.msh3 || earlier.msh3 == later.msh3) &&
         (!earlier.msh4 || earlier.msh4 == later.msh4) && (!earlier.msh9 || earlier.msh9 == later.msh9);
}

class RouteReader {
 public:
  RouteReader(const Section& top, const std::vector<PlacedName>& destinations, const Settings& settings)
      : top_(top), destinations_(destinations), settings_(settings) {}

  std::vector<std::string> read_names(const Section& section, std::string_view key) {
    std::vector<std::string> names;
    const auto written = section.texts(key);
    if (!written) return names;
    if (section.items(key).empty()) section.error(key, "names no destination");
    for (const auto& text : *written) {
      if (!known(text.value)) {
        report_unknown(section.name(key), text);
      } else if (std::ranges::find(names, text.value) != names.end()) {
        top_.reading().problems.error(text.place, section.name(key) + ": " + text.quoted() + " stands here twice");
      } else {
        names.push_back(text.value);
        used_.insert(text.value);
      }
    }
    return names;
  }

  RouteMatch read_match(const Section& route) const {
    RouteMatch match;
    const Section section = route.section("match", keys::match());
    if (const auto client = section.text("client")) {
      if (is_client_glob(client->value)) {
        match.client = client->value;
      } else {
        section.error("client",
                      client->quoted() + " isn't a client's name or glob: letters, digits, '.', '_', '-', '*', '?'");
      }
    }
    if (const auto text = section.text("content_type")) match.content_type = read_content_type(section, *text);
    if (const auto intake = section.text("intake")) match.intake = read_intake_name(section, *intake);
    match.msh3 = read_header_glob(section, "msh3");
    match.msh4 = read_header_glob(section, "msh4");
    match.msh9 = read_header_glob(section, "msh9");
    if (match.asks_message() && match.content_type && *match.content_type != hl7_media_type) {
      section.error("content_type", *match.content_type + " has no MSH: a route by msh3, msh4 or msh9 takes " +
                                        std::string(hl7_media_type) + " alone");
    }
    return match;
  }

  static void read_order(const Section& section, Route& route) {
    Ordering ordering = Ordering::none;
    section.read_one_of<Ordering>("ordering", ordering,
                                  {{"none", Ordering::none}, {"client", Ordering::client}, {"key", Ordering::key}});
    if (section.has("ordering")) route.ordering = ordering;
    section.read_one_of<OnDeadLetter>("on_dead_letter", route.on_dead_letter,
                                      {{"continue", OnDeadLetter::go_on}, {"stop", OnDeadLetter::stop}});
    const bool has_order = route.ordering
                               ? *route.ordering != Ordering::none
                               : !route.match.intake || ordering_of(route, *route.match.intake) != Ordering::none;
    if (route.on_dead_letter == OnDeadLetter::stop && !has_order) {
      section.error("on_dead_letter", "stop has no effect without an order; say `ordering: client` or `key` beside it");
    }
  }

  // A route that names a type which a destination can't take would refuse everything at the door.
  void check_types(const Section& route, const Route& read) const {
    if (!read.match.content_type) return;
    for (const auto& destination : settings_.destinations) {
      const auto* azure = std::get_if<AzureStorageQueueSettings>(&destination.system);
      const bool named = std::ranges::find(read.to, destination.name) != read.to.end();
      if (!named || azure == nullptr || azure->envelope != ReportStreamEnvelope::reportstream) continue;
      if (*read.match.content_type == "application/hl7-v2" || *read.match.content_type == "application/fhir+ndjson")
        continue;
      route.error("to", destination.name + " has the reportstream envelope, which can't carry " +
                            *read.match.content_type +
                            "; only application/hl7-v2 and application/fhir+ndjson go there");
    }
  }

  void check_reached() const {
    for (const auto& destination : destinations_) {
      if (used_.contains(destination.name)) continue;
      top_.reading().problems.warning(destination.place, "destinations." + destination.name +
                                                             " gets nothing: no route and no `otherwise` names it");
    }
  }

 private:
  bool known(const std::string& name) const {
    return std::ranges::find(destinations_, name, &PlacedName::name) != destinations_.end();
  }

  void report_unknown(const std::string& where, const Text& text) const {
    std::vector<std::string> names;
    for (const auto& destination : destinations_) names.push_back(destination.name);
    std::string message = where + ": there is no destination " + text.quoted();
    const auto nearest = text.shown ? nearest_name(text.value, names) : std::nullopt;
    if (nearest) message += "; did you mean `" + *nearest + "`?";
    top_.reading().problems.error(text.place, message);
  }

  std::optional<std::string> read_content_type(const Section& section, const Text& text) const {
    const auto type = parse_media_type(text.value);
    if (!type || !type->parameters.empty()) {
      section.error("content_type", text.quoted() + " isn't a media type; write type/subtype without parameters");
      return std::nullopt;
    }
    const auto& taken = settings_.intake.content_types;
    if (std::ranges::find(taken, type->type) == taken.end()) {
      section.warning("content_type", type->type + " isn't in intake.content_types, so it never gets this far");
    }
    return type->type;
  }

  static std::optional<Intake> read_intake_name(const Section& section, const Text& text) {
    const auto intake = parse_intake(text.value);
    if (intake == Intake::http || intake == Intake::mllp || intake == Intake::folder || intake == Intake::submit) {
      return intake;
    }
    if (intake) {
      section.not_supported("intake", text.value);
    } else {
      section.error("intake", text.quoted() + " isn't http, mllp, folder or submit");
    }
    return std::nullopt;
  }

  const Section& top_;
  const std::vector<PlacedName>& destinations_;
  const Settings& settings_;
  std::set<std::string, std::less<>> used_;
};

void check_shadowed(const Section& top, const std::vector<PlacedRoute>& routes) {
  for (std::size_t later = 0; later < routes.size(); ++later) {
    for (std::size_t earlier = 0; earlier < later; ++earlier) {
      if (!covers(routes[earlier].route.match, routes[later].route.match)) continue;
      top.reading().problems.warning(routes[later].place, routes[later].name + " never matches: " +
                                                              routes[earlier].name + " takes all of it before");
      break;
    }
  }
  const auto takes_all =
      std::ranges::find_if(routes, [](const PlacedRoute& each) { return covers(each.route.match, {}); });
  if (takes_all != routes.end() && top.has("otherwise")) {
    top.warning("otherwise", "is never reached: " + takes_all->name + " takes everything");
  }
}

}  // namespace

void read_routes(const Section& top, const std::vector<PlacedName>& destinations, Settings& settings) {
  RouteReader reader(top, destinations, settings);
  const Reading& reading = top.reading();
  const std::size_t problems_before = reading.problems.count();
  std::vector<PlacedRoute> routes;
  for (const auto& [name, node] : top.items("routes")) {
    const Place place = reading.document.place_of(node.Mark());
    const Section section(reading, node, name, keys::route(), place);
    Route route{reader.read_match(section), reader.read_names(section, "to")};
    RouteReader::read_order(section, route);
    if (node.IsMap() && !section.has("to"))
      reading.problems.error(place, name + ".to is missing: it names destinations");
    reader.check_types(section, route);
    routes.push_back({std::move(route), place, name});
  }
  settings.otherwise = reader.read_names(top, "otherwise");
  const bool read_well = reading.problems.count() == problems_before;

  if (!top.has("routes") && !top.has("otherwise")) {
    if (destinations.size() == 1) settings.otherwise = {destinations.front().name};
    if (destinations.size() > 1) {
      reading.problems.error(top.place("destinations"),
                             "there are " + std::to_string(destinations.size()) +
                                 " destinations, so `routes` or `otherwise` must say what goes where");
    }
    return;
  }
  if (read_well) {
    check_shadowed(top, routes);
    reader.check_reached();
  }
  for (auto& placed : routes) settings.routes.push_back(std::move(placed.route));
}

}  // namespace relay
