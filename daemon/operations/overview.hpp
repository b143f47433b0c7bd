// Overview: one look at the whole relay, for health, metrics, status and the service manager's sentence. Belongs to the
// operations thread.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "journal/journal.hpp"
#include "operations/alarm_board.hpp"
#include "operations/certificate_watch.hpp"
#include "operations/flow_rates.hpp"
#include "operations/health.hpp"

namespace relay {

class Overview {
 public:
  struct Look {
    HealthFacts facts;
    Health health;
  };

  // `journal` and `clock` outlive it.
  Overview(Journal& journal, const Clock& clock, std::vector<ConfiguredDestination> destinations,
           std::vector<std::string> insecure_listeners, std::vector<WatchedCertificate> certificates);
  // A new configuration.
  void change(std::vector<ConfiguredDestination> destinations, std::vector<std::string> insecure_listeners,
              std::vector<WatchedCertificate> certificates);
  // Asked at every look: why nothing comes in through some door now.
  void ask_doors(std::function<std::vector<std::string>()> troubles) { door_troubles_ = std::move(troubles); }
  // From now on nothing is accepted.
  void stopping() { stopping_ = true; }
  // Reads the journal once; raises and ends alarms. Quick: its cost doesn't grow with the backlog.
  Look look();
  const FlowRates& rates() const { return rates_; }

 private:
  Journal& journal_;
  const Clock& clock_;
  std::vector<ConfiguredDestination> destinations_;
  std::vector<std::string> insecure_listeners_;
  CertificateWatch certificates_;
  std::function<std::vector<std::string>()> door_troubles_;
  const MonotonicTime started_;
  const std::chrono::milliseconds stall_limit_;
  bool stopping_ = false;
  AlarmBoard alarms_;
  FlowRates rates_;
};

}  // namespace relay
