#include "intake/receiver.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

#include "intake/admission_rules.hpp"
#include "intake/client_rates.hpp"
#include "intake/intake_counters.hpp"
#include "intake/reception.hpp"

namespace relay {
namespace {

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

struct Receiver::State {
  State(AdmissionRules rules_, Journal& journal_, const Clock& clock_)
      : journal(journal_),
        clock(clock_),
        ids(clock_),
        counters(std::make_shared<IntakeCounters>(journal_, clock_)),
        budget(std::make_shared<MemoryBudget>(rules_.settings.memory)),
        rules_now(std::make_shared<const AdmissionRules>(std::move(rules_))) {}

  Journal& journal;
  const Clock& clock;
  UuidGenerator ids;
  const std::shared_ptr<IntakeCounters> counters;
  const std::shared_ptr<MemoryBudget> budget;
  std::atomic<bool> stopping = false;

  std::shared_ptr<const AdmissionRules> rules() const {
    const std::lock_guard lock(mutex);
    return rules_now;
  }
  void change(AdmissionRules changed) {
    budget->set_limit(changed.settings.memory);
    auto made = std::make_shared<const AdmissionRules>(std::move(changed));
    const std::lock_guard lock(mutex);
    rules_now.swap(made);
  }
  std::optional<RequestProblem> check_room(const Arrival& arrival) const;
  Result<std::unique_ptr<Reception>, RequestProblem> admit(Arrival arrival);

 private:
  mutable std::mutex mutex;
  std::shared_ptr<const AdmissionRules> rules_now;
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
  const auto candidates = going_by->candidates(arrival);
  if (!candidates) return Failure{candidates.error()};
  if (auto problem = check_rate(arrival)) return Failure{std::move(*problem)};
  if (auto problem = check_room(arrival)) return Failure{std::move(*problem)};

  ReceptionState::Plan plan{std::move(arrival), ids.next(), std::nullopt, going_by->most(*candidates), {}};
  if (candidates->size() == 1 && !candidates->front()->match.asks_message()) {
    plan.destined = going_by->destined(plan.arrival, *candidates->front());
  } else {
    plan.decide = [going_by](const Arrival& arrived, const Hl7HeaderSegment* header) {
      return going_by->decide(arrived, header);
    };
  }
  auto state = std::make_shared<ReceptionState>(std::move(plan), journal, clock, counters, budget);
  if (!state->reserve()) return Failure{memory_problem()};
  return std::unique_ptr<Reception>(std::make_unique<JournalReception>(std::move(state)));
}

Receiver::Receiver(const IntakeSettings& settings, std::vector<std::string> clients, RouteTable routes,
                   Journal& journal, const Clock& clock)
    : state_(std::make_shared<State>(AdmissionRules{settings, std::move(clients), std::move(routes)}, journal, clock)) {
}
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
  state_->change(AdmissionRules{settings, std::move(clients), std::move(routes)});
}

void Receiver::stop() {
  state_->stopping = true;
}

}  // namespace relay
