#include "intake/admission_rules.hpp"

#include <algorithm>

#include "intake/reception.hpp"
#include "submission/client_name.hpp"

namespace relay {
namespace {

std::string comma_separated(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

RequestProblem no_route_problem() {
  return {ProblemName::no_route, "No route takes this client and content type here."};
}

}  // namespace

std::optional<RequestProblem> AdmissionRules::check_client(const Arrival& arrival) const {
  if (arrival.any_client || clients.empty()) return std::nullopt;
  const bool allowed =
      std::ranges::any_of(clients, [&](const std::string& glob) { return glob_matches(glob, arrival.client); });
  if (allowed) return std::nullopt;
  return RequestProblem{ProblemName::client_not_allowed, "`clients` doesn't name this client."};
}

template <class Predicate>
RequestProblem AdmissionRules::type_problem(ProblemName name, std::string detail, Predicate takes) const {
  std::vector<std::string> taken;
  std::ranges::copy_if(settings.content_types, std::back_inserter(taken), takes);
  RequestProblem problem{name, std::move(detail)};
  if (!taken.empty()) problem.detail += " Taken here: " + comma_separated(taken) + '.';
  problem.fields.emplace_back("Accept-Post", comma_separated(taken));
  return problem;
}

std::optional<RequestProblem> AdmissionRules::check_content_type(const Arrival& arrival) const {
  const auto any = [](const std::string&) { return true; };
  if (!arrival.content_type) {
    return type_problem(ProblemName::content_type_missing, "The request has no Content-Type.", any);
  }
  const std::string& type = arrival.content_type->type;
  if (type.empty()) return type_problem(ProblemName::content_type_not_taken, "The Content-Type can't be read.", any);
  if (std::ranges::find(settings.content_types, type) == settings.content_types.end()) {
    return type_problem(ProblemName::content_type_not_taken, type + " isn't in `intake.content_types`.", any);
  }
  if (arrival.content_coding.empty() || arrival.content_coding == "gzip") return std::nullopt;
  RequestProblem problem{ProblemName::content_type_not_taken, "Of content codings only one gzip is undone here."};
  problem.fields.emplace_back("Accept-Encoding", "gzip");
  return problem;
}

std::optional<RequestProblem> AdmissionRules::check_destinations(const Arrival& arrival,
                                                                 const std::vector<std::string>& destinations) const {
  if (const auto refusing = routes.refuses_client(destinations, arrival.client)) {
    return RequestProblem{ProblemName::client_not_allowed,
                          "Destination " + *refusing + " of this submission's route signs in for another org."};
  }
  const std::string& type = arrival.content_type->type;
  if (const auto refusing = routes.refuses_type(destinations, type)) {
    return type_problem(ProblemName::content_type_not_taken,
                        "Destination " + *refusing + " of this submission's route doesn't take " + type + '.',
                        [&](const std::string& other) { return !routes.refuses_type(destinations, other); });
  }
  if (arrival.declared_size && *arrival.declared_size > limit(destinations)) {
    return too_large_problem(limit(destinations));
  }
  return std::nullopt;
}

bool AdmissionRules::validates(const std::vector<std::string>& destinations) const {
  if (settings.validate == Validation::automatic) return routes.reaches_reportstream(destinations);
  return settings.validate == Validation::envelope;
}

ByteCount AdmissionRules::limit(const std::vector<std::string>& destinations) const {
  return std::min(settings.max_payload, routes.max_payload(destinations));
}

Result<std::vector<const Route*>, RequestProblem> AdmissionRules::candidates(const Arrival& arrival) const {
  auto possible = routes.candidates(arrival.client, arrival.content_type->type, arrival.intake);
  if (possible.empty()) return Failure{no_route_problem()};
  std::vector<const Route*> taken;
  std::optional<RequestProblem> first;
  for (const Route* route : possible) {
    auto problem = check_destinations(arrival, route->to);
    if (!problem) {
      taken.push_back(route);
    } else if (!first) {
      first = std::move(problem);
    }
  }
  if (taken.empty()) return Failure{std::move(*first)};
  // What is refused by one of them is refused in its turn: the payload says which it is.
  return possible;
}

ByteCount AdmissionRules::most(const std::vector<const Route*>& candidates) const {
  ByteCount largest{0};
  for (const Route* route : candidates) largest = std::max(largest, limit(route->to));
  return largest;
}

Destined AdmissionRules::destined(const Arrival& arrival, const Route& route) const {
  Destined made{route.to, limit(route.to), nullptr, ordering_of(route, arrival.intake), route.on_dead_letter};
  if (validates(route.to)) made.validator = make_payload_validator(arrival.content_type->type);
  if (routes.goes_in_mllp_frames(route.to)) made.validator = make_mllp_frame_validator(std::move(made.validator));
  return made;
}

Result<Destined, RequestProblem> AdmissionRules::decide(const Arrival& arrival, const Hl7HeaderSegment* header) const {
  const Route* route = routes.find(arrival.client, arrival.content_type->type, arrival.intake, header);
  if (route == nullptr) return Failure{no_route_problem()};
  if (auto problem = check_destinations(arrival, route->to)) return Failure{std::move(*problem)};
  return destined(arrival, *route);
}

}  // namespace relay
