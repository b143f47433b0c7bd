#include "destinations/probe_questions.hpp"

#include <utility>

#include "destinations/http_answer.hpp"

namespace relay {

TransferResult ProbeQuestions::ask(HttpClientRequest request) {
  request.timeout = timeout_;
  client_.start(1, std::move(request));
  TransferResult answer;
  while (client_.in_flight() > 0)
    for (TransferResult& come : client_.poll(timeout_)) answer = std::move(come);
  if (const auto* response = std::get_if<HttpClientResponse>(&answer.result)) {
    const auto difference = clock_difference(*response, clock_.wall_now());
    if (difference && std::chrono::abs(*difference) > clock_tolerance) clock_off_ = difference;
  }
  return answer;
}

}  // namespace relay
