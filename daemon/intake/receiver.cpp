#include "intake/receiver.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

#include "intake/client_rates.hpp"
#include "intake/intake_counters.hpp"
#include "intake/reception.hpp"
#include "submission/client_name.hpp"

namespace relay {
namespace {

std::string comma_separated(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::optional<RequestProblem> check_rate(const Arrival& arrival) {
  const auto wait = arrival.rates ? arrival.rates->take(arrival.client) : std::nullopt;
  if (!wait) return std::nullopt;
  return RequestProblem{ProblemName::rate_limited, "This client submits faster than the listener's `rate`.", *wait};
}

class JournalReception final : public Reception {
 public:
  explicit JournalReception(std::shared_ptr<ReceptionState> state) : state_(std::move(state)) {}
  void write(std::string_view bytes, WriteCallback ready) override { state_->write(bytes, std::move(ready)); }
  void finish(FinishCallback durable) override { state_->finish(std::move(durable)); }

 private:
  const std::shared_ptr<ReceptionState> state_;  // a commit under way keeps it too
};

}  // namespace

namespace {

// What the configuration says; replaced as a whole.
struct Rules {
  const IntakeSettings settings;
  const std::vector<std::string> clients;
  const RouteTable routes;

  std::optional<RequestProblem> check_client(const Arrival& arrival) const;
  std::optional<RequestProblem> check_content_type(const Arrival& arrival) const;
  std::optional<RequestProblem> check_destinations(const Arrival& arrival,
                                                   const std::vector<std::string>& destinations) const;
  ByteCount limit(const std::vector<std::string>& destinations) const {
    return std::min(settings.max_payload, routes.max_payload(destinations));
  }
  // 415 with Accept-Post: the types that `takes` says yes to.
  template <class Predicate>
  RequestProblem type_problem(ProblemName name, std::string detail, Predicate takes) const;
  bool validates(const std::vector<std::string>& destinations) const;
};

std::optional<RequestProblem> Rules::check_client(const Arrival& arrival) const {
  if (arrival.any_client || clients.empty()) return std::nullopt;
  const bool allowed =
      std::ranges::any_of(clients, [&](const std::string& glob) { return glob_matches(glob, arrival.client); });
  if (allowed) return std::nullopt;
  return RequestProblem{ProblemName::client_not_allowed, "`clients` doesn't name this client."};
}

template <class Predicate>
RequestProblem Rules::type_problem(ProblemName name, std::string detail, Predicate takes) const {
  std::vector<std::string> taken;
  std::ranges::copy_if(settings.content_types, std::back_inserter(taken), takes);
  RequestProblem problem{name, std::move(detail)};
  if (!taken.empty()) problem.detail += " Taken here: " + comma_separated(taken) + '.';
  problem.fields.emplace_back("Accept-Post", comma_separated(taken));
  return problem;
}

std::optional<RequestProblem> Rules::check_content_type(const Arrival& arrival) const {
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

std::optional<RequestProblem> Rules::check_destinations(const Arrival& arrival,
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

bool Rules::validates(const std::vector<std::string>& destinations) const {
  if (settings.validate == Validation::automatic) return routes.reaches_reportstream(destinations);
  return settings.validate == Validation::envelope;
}

}  // namespace

struct Receiver::State {
  State(Rules rules_, Journal& journal_, const Clock& clock_)
      : journal(journal_),
        clock(clock_),
        ids(clock_),
        counters(std::make_shared<IntakeCounters>(journal_, clock_)),
        budget(std::make_shared<MemoryBudget>(rules_.settings.memory)),
        rules_now(std::make_shared<const Rules>(std::move(rules_))) {}

  Journal& journal;
  const Clock& clock;
  UuidGenerator ids;
  const std::shared_ptr<IntakeCounters> counters;
  const std::shared_ptr<MemoryBudget> budget;
  std::atomic<bool> stopping = false;

  std::shared_ptr<const Rules> rules() const {
    const std::lock_guard lock(mutex);
    return rules_now;
  }
  void change(Rules changed) {
    budget->set_limit(changed.settings.memory);
    auto made = std::make_shared<const Rules>(std::move(changed));
    const std::lock_guard lock(mutex);
    rules_now.swap(made);
  }
  std::optional<RequestProblem> check_room(const Arrival& arrival) const;
  Result<std::unique_ptr<Reception>, RequestProblem> admit(Arrival arrival);

 private:
  mutable std::mutex mutex;
  std::shared_ptr<const Rules> rules_now;
};

std::optional<RequestProblem> Receiver::State::check_room(const Arrival& arrival) const {
  if (stopping) return append_problem(AppendRefusal::stopping);
  const auto refusal = journal.admission(arrival.declared_size.value_or(ByteCount{0}));
  return refusal ? std::optional(append_problem(*refusal)) : std::nullopt;
}

// In the contract's order.
Result<std::unique_ptr<Reception>, RequestProblem> Receiver::State::admit(Arrival arrival) {
  const auto going_by = rules();
  if (auto problem = going_by->check_client(arrival)) return Failure{std::move(*problem)};
  if (auto problem = going_by->check_content_type(arrival)) return Failure{std::move(*problem)};
  const auto* destinations = going_by->routes.find(arrival.client, arrival.content_type->type, arrival.intake);
  if (!destinations) {
    return Failure{RequestProblem{ProblemName::no_route, "No route takes this client and content type here."}};
  }
  if (auto problem = going_by->check_destinations(arrival, *destinations)) return Failure{std::move(*problem)};
  if (auto problem = check_rate(arrival)) return Failure{std::move(*problem)};
  if (auto problem = check_room(arrival)) return Failure{std::move(*problem)};

  ReceptionState::Plan plan{std::move(arrival), ids.next(), *destinations, going_by->limit(*destinations), nullptr};
  if (going_by->validates(*destinations)) plan.validator = make_payload_validator(plan.arrival.content_type->type);
  if (going_by->routes.goes_in_mllp_frames(*destinations))
    plan.validator = make_mllp_frame_validator(std::move(plan.validator));
  auto state = std::make_shared<ReceptionState>(std::move(plan), journal, clock, counters, budget);
  if (!state->reserve()) return Failure{memory_problem()};
  return std::unique_ptr<Reception>(std::make_unique<JournalReception>(std::move(state)));
}

Receiver::Receiver(const IntakeSettings& settings, std::vector<std::string> clients, RouteTable routes,
                   Journal& journal, const Clock& clock)
    : state_(std::make_shared<State>(Rules{settings, std::move(clients), std::move(routes)}, journal, clock)) {}
Receiver::~Receiver() = default;

Result<std::unique_ptr<Reception>, RequestProblem> Receiver::admit(Arrival arrival) {
  const Intake intake = arrival.intake;
  auto admitted = state_->admit(std::move(arrival));
  if (!admitted) state_->counters->refused(intake, admitted.error().name);
  return admitted;
}

void Receiver::count_refusal(Intake intake, ProblemName reason) {
  state_->counters->refused(intake, reason);
}

void Receiver::change(const IntakeSettings& settings, std::vector<std::string> clients, RouteTable routes) {
  state_->change(Rules{settings, std::move(clients), std::move(routes)});
}

void Receiver::stop() {
  state_->stopping = true;
}

}  // namespace relay
