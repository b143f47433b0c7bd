#include "destinations/http_endpoint_probe.hpp"

#include <string>

#include "destinations/http_answer.hpp"
#include "destinations/probe_questions.hpp"

namespace relay {
namespace {

using Kind = ProbeFinding::Kind;

class Probe {
 public:
  Probe(const HttpSettings& settings, HttpEndpointSignIn sign_in, const HttpClientOptions& transport,
        std::chrono::milliseconds timeout, const Clock& clock)
      : settings_(settings), sign_in_(std::move(sign_in)), asking_(transport, timeout, clock) {}

  std::vector<ProbeFinding> run() {
    if (!sign_in_.uses_tokens() || sign_in()) look_at_the_address();
    if (!bad_) add(Kind::not_checked, "whether a submission is taken shows only when the first one is sent");
    asking_.say_clock_and_certificate(findings_, "the server's");
    return std::move(findings_);
  }

 private:
  void add(Kind kind, std::string text) {
    bad_ = bad_ || kind == Kind::bad;
    findings_.push_back({kind, std::move(text)});
  }

  bool sign_in() {
    const auto trouble = sign_in_.take_token(asking_.ask(sign_in_.token_request(asking_.timeout())));
    add(trouble ? Kind::bad : Kind::good, trouble ? trouble->error->message : "token: the sign-in holds");
    return !trouble;
  }

  // HEAD says nothing about what a POST would come to, but who answers, and to whom.
  void look_at_the_address() {
    HttpClientRequest request;
    request.method = "HEAD";
    request.url = settings_.url_before_fields.substr(0, settings_.url_before_fields.find('?'));
    if (auto header = sign_in_.authorization()) request.headers.push_back(std::move(*header));
    const TransferResult answer = asking_.ask(std::move(request));
    const auto* response = std::get_if<HttpClientResponse>(&answer.result);
    if (response == nullptr) {
      const auto& failure = std::get<TransferError>(answer.result);
      return add(Kind::bad, failure.message);
    }
    const std::string status = "HTTP " + std::to_string(response->status) + ": ";
    if (response->status == 401) {
      add(Kind::bad, status + "the sign-in isn't taken: check auth");
    } else if (response->status == 403) {
      add(Kind::bad, status + "this isn't allowed: check what the sign-in may do there");
    } else if (seems_to_be_something_in_between(*response)) {
      add(Kind::bad, status + "this isn't the server: something in between has answered, or it is out of service");
    } else {
      add(Kind::good, "it answers");
    }
  }

  // A page beside an error is any server's.
  bool seems_to_be_something_in_between(const HttpClientResponse& response) const {
    const unsigned status = response.status;
    return status / 100 == 3 || status == 407 || status == 511 || status == 503 ||
           (status / 100 == 2 && is_web_page(response) && settings_.accept_content_type != "text/html");
  }

  const HttpSettings& settings_;
  HttpEndpointSignIn sign_in_;
  ProbeQuestions asking_;
  std::vector<ProbeFinding> findings_;
  bool bad_ = false;
};

}  // namespace

std::vector<ProbeFinding> probe_http_endpoint(const HttpSettings& settings, HttpEndpointSignIn sign_in,
                                              const HttpClientOptions& transport, std::chrono::milliseconds timeout,
                                              const Clock& clock) {
  return Probe(settings, std::move(sign_in), transport, timeout, clock).run();
}

}  // namespace relay
