#include "operations/overview.hpp"

#include <utility>

#include "operations/notify.hpp"
#include "operations/stalls.hpp"

namespace relay {

Overview::Overview(Journal& journal, const Clock& clock, std::vector<ConfiguredDestination> destinations,
                   std::vector<std::string> insecure_listeners, std::vector<WatchedCertificate> certificates)
    : journal_(journal),
      clock_(clock),
      destinations_(std::move(destinations)),
      insecure_listeners_(std::move(insecure_listeners)),
      certificates_(std::move(certificates)),
      started_(clock.monotonic_now()),
      stall_limit_(stall_limit(ServiceNotifier::watchdog_time())) {}

void Overview::change(std::vector<ConfiguredDestination> destinations, std::vector<std::string> insecure_listeners,
                      std::vector<WatchedCertificate> certificates) {
  destinations_ = std::move(destinations);
  insecure_listeners_ = std::move(insecure_listeners);
  certificates_.change(std::move(certificates));
}

Overview::Look Overview::look() {
  Look look;
  HealthFacts& facts = look.facts;
  const MonotonicTime now = clock_.monotonic_now();
  facts.uptime = std::chrono::duration_cast<std::chrono::seconds>(now - started_);
  facts.stopping = stopping_;
  auto snapshot = journal_.snapshot();
  if (snapshot) {
    facts.snapshot = std::move(snapshot).value();
    rates_.look(now, *facts.snapshot);
  } else {
    facts.snapshot_error = snapshot.error().message;
  }
  facts.journal = journal_.condition();
  facts.conditions = journal_.conditions();
  facts.destinations = destinations_;
  facts.insecure_listeners = insecure_listeners_;
  if (door_troubles_) facts.door_troubles = door_troubles_();
  facts.stalled = stalled_threads(stall_limit_);
  facts.now = clock_.wall_now();
  facts.expiring = certificates_.look(now, facts.now);
  look.health = assess_health(facts);
  alarms_.update(look.health.alarms);
  return look;
}

}  // namespace relay
