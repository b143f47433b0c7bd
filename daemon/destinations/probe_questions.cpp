#include "destinations/probe_questions.hpp"

#include <algorithm>
#include <utility>

#include "base/pem_certificates.hpp"
#include "destinations/certificate_days.hpp"
#include "destinations/http_answer.hpp"

namespace relay {

TransferResult ProbeQuestions::ask(HttpClientRequest request) {
  request.timeout = timeout_;
  request.report_certificate = true;
  client_.start(1, std::move(request));
  TransferResult answer;
  while (client_.in_flight() > 0)
    for (TransferResult& come : client_.poll(timeout_)) answer = std::move(come);
  if (const auto* response = std::get_if<HttpClientResponse>(&answer.result)) {
    const auto difference = clock_difference(*response, clock_.wall_now());
    if (difference && std::chrono::abs(*difference) > clock_tolerance) clock_off_ = difference;
    if (const auto shown = certificates_in(response->server_certificate); !shown.empty()) {
      const WallTime end = end_of(shown.front().get());
      certificate_end_ = std::min(end, certificate_end_.value_or(end));
    }
  }
  return answer;
}

std::optional<ProbeFinding> ProbeQuestions::certificate() const {
  if (!certificate_end_) return std::nullopt;
  return certificate_days(*certificate_end_, clock_.wall_now());
}

void ProbeQuestions::say_clock_and_certificate(std::vector<ProbeFinding>& findings, std::string_view whose) const {
  if (clock_off_) findings.push_back({ProbeFinding::Kind::bad, clock_words(*clock_off_, whose)});
  if (auto shown = certificate()) findings.push_back(std::move(*shown));
}

}  // namespace relay
