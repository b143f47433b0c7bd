// ProbeQuestions: the requests of one `check --connect`, one after another, and what their answers say of the clock and
// of the server's certificate.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/http_client.hpp"
#include "destinations/destination.hpp"

namespace relay {

class ProbeQuestions {
 public:
  // `clock` outlives it. Each question blocks at most about `timeout`.
  ProbeQuestions(const HttpClientOptions& transport, std::chrono::milliseconds timeout, const Clock& clock)
      : client_(transport), timeout_(timeout), clock_(clock) {}

  TransferResult ask(HttpClientRequest request);
  std::chrono::milliseconds timeout() const { return timeout_; }
  // By how much, where an answer's Date said so.
  std::optional<std::chrono::milliseconds> clock_off() const { return clock_off_; }
  // Both, where there is something to say, at the end of what was found; `whose` Date it is: "Azure's".
  void say_clock_and_certificate(std::vector<ProbeFinding>& findings, std::string_view whose) const;
  // How long the certificate lasts that ends first of those that were shown; nothing without TLS.
  std::optional<ProbeFinding> certificate() const;

 private:
  HttpClient client_;
  const std::chrono::milliseconds timeout_;
  const Clock& clock_;
  std::optional<std::chrono::milliseconds> clock_off_{};
  std::optional<WallTime> certificate_end_{};
};

}  // namespace relay
