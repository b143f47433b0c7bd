#include "destinations/reportstream_probe.hpp"

#include "destinations/http_answer.hpp"
#include "destinations/probe_questions.hpp"
#include "destinations/reportstream_answers.hpp"
#include "destinations/reportstream_requests.hpp"

namespace relay {
namespace {

using Kind = ProbeFinding::Kind;

class Probe {
 public:
  Probe(const ReportStreamSettings& settings, ReportStreamSignIn sign_in, const HttpClientOptions& transport,
        std::chrono::milliseconds timeout, const Clock& clock)
      : settings_(settings), sign_in_(std::move(sign_in)), asking_(transport, timeout, clock), clock_(clock) {}

  std::vector<ProbeFinding> run() {
    const auto* jwt = std::get_if<PrivateKeyJwtSettings>(&settings_.auth);
    client_name_ = settings_.client;
    issuer_ = jwt != nullptr && !jwt->issuer.empty() ? jwt->issuer : sign_in_.issuer_of(client_name_);
    if (sign_in_.uses_tokens() && issuer_.empty()) {
      look_at_the_server(jwt->token_url);
      add(Kind::not_checked,
          "sign-in: the issuer is the org of each submission's client; set auth.issuer to try it here");
    } else if (!sign_in_.uses_tokens() || sign_in()) {
      if (client_name_.empty()) {
        if (!sign_in_.uses_tokens()) look_at_the_server(settings_.url + "/api/reports");
      } else {
        look_at_the_list();
      }
    }
    if (!bad_) add(Kind::not_checked, "whether the sender may submit shows only when the first submission is sent");
    asking_.say_clock_and_certificate(findings_, "the service's");
    return std::move(findings_);
  }

 private:
  void add(Kind kind, std::string text) {
    bad_ = bad_ || kind == Kind::bad;
    findings_.push_back({kind, std::move(text)});
  }

  bool sign_in() {
    const TransferResult answer = asking_.ask(sign_in_.token_request(issuer_, asking_.timeout()));
    const auto* response = std::get_if<HttpClientResponse>(&answer.result);
    const auto trouble = response != nullptr ? sign_in_.take_token(issuer_, *response)
                                             : token_failure(std::get<TransferError>(answer.result));
    add(trouble ? Kind::bad : Kind::good,
        trouble ? trouble->error->message : "token: the sign-in holds, and the scope asked for was granted");
    return !trouble;
  }

  void look_at_the_list() {
    HttpClientRequest request = list_request(settings_, client_name_, clock_.wall_now(), "");
    if (const auto header = sign_in_.header(issuer_, ReportStreamSignIn::Age::any))
      request.headers.emplace_back(header->first, header->second.reveal());
    const TransferResult answer = asking_.ask(std::move(request));
    const auto* response = std::get_if<HttpClientResponse>(&answer.result);
    if (response == nullptr) {
      add(Kind::bad, classify_failure(std::get<TransferError>(answer.result)).error->message);
    } else if (response->status == 200 && read_submission_list(response->body)) {
      add(Kind::good,
          "list of submissions: it can be read, so what had no answer is looked for before it is sent again");
    } else if (response->status == 401 || response->status == 403 || response->status == 404) {
      add(Kind::not_checked, "list of submissions: HTTP " + std::to_string(response->status) +
                                 ": this sender may not read it, so what had no answer is sent again, counted as a "
                                 "possible repeat");
    } else {
      const auto error = classify_reportstream_answer({}, *response).error;
      add(Kind::bad, "list of submissions: " + (error ? error->message : "this isn't a list of submissions"));
    }
  }

  // Any answer of a web service will do; a page or a redirect comes from something in between.
  void look_at_the_server(const std::string& url) {
    HttpClientRequest request;
    request.url = url;
    const TransferResult answer = asking_.ask(std::move(request));
    const auto* response = std::get_if<HttpClientResponse>(&answer.result);
    if (response == nullptr) {
      add(Kind::bad, classify_failure(std::get<TransferError>(answer.result)).error->message);
    } else if (response->status / 100 == 3 || response->status == 407 || response->status == 511 ||
               response->status == 503 || is_web_page(*response)) {
      add(Kind::bad, "HTTP " + std::to_string(response->status) +
                         ": this isn't ReportStream: something in between has "
                         "answered, or it is out of service");
    } else {
      add(Kind::good, "it answers");
    }
  }

  const ReportStreamSettings& settings_;
  ReportStreamSignIn sign_in_;
  ProbeQuestions asking_;
  const Clock& clock_;
  std::string client_name_;
  std::string issuer_;
  std::vector<ProbeFinding> findings_;
  bool bad_ = false;
};

}  // namespace

std::vector<ProbeFinding> probe_reportstream(const ReportStreamSettings& settings, ReportStreamSignIn sign_in,
                                             const HttpClientOptions& transport, std::chrono::milliseconds timeout,
                                             const Clock& clock) {
  return Probe(settings, std::move(sign_in), transport, timeout, clock).run();
}

}  // namespace relay
