// AdmissionRules: what the configuration says of who may submit what, and where that goes. What a door asks before the
// payload, in the contract's order, and what can only be told from its first header. Also behind `edge-relay route`.
// Never changed once made.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "intake/payload_validator.hpp"
#include "intake/problem.hpp"
#include "intake/receiver.hpp"
#include "submission/route_table.hpp"

namespace relay {

// Where a payload goes, and how.
struct Destined {
  std::vector<std::string> destinations;
  ByteCount limit;                              // the largest payload
  std::unique_ptr<PayloadValidator> validator;  // may be nullptr
  Ordering ordering = Ordering::none;
  OnDeadLetter on_dead_letter = OnDeadLetter::go_on;
};

struct AdmissionRules {
  const IntakeSettings settings;
  const std::vector<std::string> clients;
  const RouteTable routes;

  std::optional<RequestProblem> check_client(const Arrival& arrival) const;
  std::optional<RequestProblem> check_content_type(const Arrival& arrival) const;
  std::optional<RequestProblem> check_destinations(const Arrival& arrival,
                                                   const std::vector<std::string>& destinations) const;
  // The routes by which it may go. The reason why not, where that is none, or none whose destinations take it.
  Result<std::vector<const Route*>, RequestProblem> candidates(const Arrival& arrival) const;
  // The largest payload of any of them.
  ByteCount most(const std::vector<const Route*>& candidates) const;
  // Once the first header of the payload is known; nullptr: it has none.
  Result<Destined, RequestProblem> decide(const Arrival& arrival, const Hl7HeaderSegment* header) const;
  Destined destined(const Arrival& arrival, const Route& route) const;

 private:
  ByteCount limit(const std::vector<std::string>& destinations) const;
  // 415 with Accept-Post: the types that `takes` says yes to.
  template <class Predicate>
  RequestProblem type_problem(ProblemName name, std::string detail, Predicate takes) const;
  bool validates(const std::vector<std::string>& destinations) const;
};

}  // namespace relay
