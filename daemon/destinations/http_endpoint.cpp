#include "destinations/http_endpoint.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <utility>
#include <vector>

#include "base/http_text.hpp"
#include "base/log.hpp"
#include "destinations/http_answer.hpp"
#include "destinations/http_endpoint_answers.hpp"
#include "destinations/http_endpoint_probe.hpp"
#include "destinations/http_endpoint_sign_in.hpp"
#include "destinations/http_transport.hpp"
#include "destinations/payload_body.hpp"
#include "destinations/proxy_sign_in.hpp"
#include "destinations/template_text.hpp"

namespace relay {
namespace {

constexpr std::uint64_t token_transfer = std::uint64_t{1} << 63;  // lanes count their attempts from 1

HttpClientOptions transport_of(const DestinationSettings& destination, const HttpSettings& settings,
                               const std::string& site) {
  // One connection more: for tokens.
  HttpClientOptions options = http_client_options(destination, site, destination.concurrency + 1);
  options.client_certificate = settings.client_certificate.certificate;
  options.client_key = settings.client_certificate.key;
  return options;
}

class HttpEndpoint final : public Destination {
 public:
  HttpEndpoint(const DestinationSettings& destination, const HttpSettings& settings, const std::string& site,
               const Clock& clock)
      : name_(destination.name),
        timeout_(destination.timeout),
        settings_(settings),
        transport_(transport_of(destination, settings, site)),
        clock_(clock),
        sign_in_(settings, clock),
        client_(transport_),
        proxy_sign_in_(destination.transport.proxy_credentials) {}

  DestinationLimits limits() const override { return {}; }
  void start(Delivery delivery) override;
  std::vector<DeliveryResult> poll(std::chrono::milliseconds timeout) override;
  std::size_t in_flight() const override { return tries_.size() + ended_.size(); }
  void cancel_all() override;
  std::vector<ProbeFinding> probe() override {
    return probe_http_endpoint(settings_, sign_in_, transport_, timeout_, clock_);
  }
  void wake() override { client_.wake(); }

 private:
  struct Try {
    Delivery delivery;
    std::shared_ptr<PayloadBody> body{};
    bool signed_in_again = false;
    // Of the secrets that the request under way was signed in with, and went through the proxy with.
    unsigned generation = 0;
    unsigned proxy_generation = 0;
  };
  using Place = std::map<std::uint64_t, Try>::iterator;

  void begin(Place place, HttpEndpointSignIn::Age age);
  HttpClientRequest request_of(const Try& attempt) const;
  void ask_for_token();
  void take_token(const TransferResult& answer);
  void take_answer(const TransferResult& answer);
  AttemptResult classify(const Try& attempt, const TransferResult& answer) const;
  bool sign_in_again(Try& attempt, AttemptResult& result);
  bool read_secrets_again(bool of_proxy, AttemptResult& result);
  void end(Place place, AttemptResult result);

  std::string name_;
  std::chrono::milliseconds timeout_;
  HttpSettings settings_;
  HttpClientOptions transport_;
  const Clock& clock_;
  HttpEndpointSignIn sign_in_;
  HttpClient client_;
  ProxySignIn proxy_sign_in_;
  std::map<std::uint64_t, Try> tries_;
  std::vector<std::uint64_t> waiting_;  // for a token
  bool token_secret_read_again_ = false;
  std::vector<DeliveryResult> ended_;
};

void HttpEndpoint::start(Delivery delivery) {
  const auto [place, inserted] = tries_.try_emplace(delivery.attempt);
  if (!inserted) throw std::logic_error("http: this attempt is in flight already");
  Try& attempt = place->second;
  attempt.delivery = std::move(delivery);
  if (attempt.delivery.payload->size() != attempt.delivery.submission.size)
    return end(place, unreadable_payload({PayloadFailure::corrupt, "the payload isn't as long as its record says"}));
  attempt.body = std::make_shared<PayloadBody>(attempt.delivery.payload);
  begin(place, HttpEndpointSignIn::Age::fresh);
}

void HttpEndpoint::begin(Place place, HttpEndpointSignIn::Age age) {
  Try& attempt = place->second;
  if (!sign_in_.ready(age)) {
    waiting_.push_back(place->first);
    if (waiting_.size() == 1) {
      token_secret_read_again_ = false;
      ask_for_token();
    }
    return;
  }
  attempt.generation = sign_in_.generation();
  attempt.proxy_generation = proxy_sign_in_.generation();
  client_.start(place->first, request_of(attempt));
}

HttpClientRequest HttpEndpoint::request_of(const Try& attempt) const {
  const Submission& submission = attempt.delivery.submission;
  HttpClientRequest request;
  request.method = settings_.method;
  request.url = fill_in(settings_.url, submission);
  request.timeout = timeout_;
  request.body = attempt.body;
  request.headers = sign_in_.headers(submission);
  const auto unless_configured = [&](const char* name, const std::string& value) {
    const auto same_name = [&](const HttpHeaderSettings& each) { return equal_ignoring_case(each.name, name); };
    if (std::ranges::none_of(settings_.headers, same_name)) request.headers.emplace_back(name, value);
  };
  const std::string& parameters = submission.content_type_parameters;
  unless_configured("Content-Type", submission.content_type + (parameters.empty() ? "" : "; " + parameters));
  unless_configured("Idempotency-Key", submission.id.text());
  return request;
}

// ---- Signing in -----------------------------------------------------------------------------------------------------

void HttpEndpoint::ask_for_token() {
  client_.start(token_transfer, sign_in_.token_request(timeout_));
}

void HttpEndpoint::take_token(const TransferResult& answer) {
  auto trouble = sign_in_.take_token(answer);
  if (trouble) {
    const ErrorKind kind = trouble->error->kind;
    const bool of_secrets = kind == ErrorKind::sign_in || kind == ErrorKind::proxy;
    if (of_secrets && !std::exchange(token_secret_read_again_, true) &&
        read_secrets_again(kind == ErrorKind::proxy, *trouble))
      return ask_for_token();
  }
  for (const std::uint64_t number : std::exchange(waiting_, {})) {
    const auto place = tries_.find(number);
    if (place == tries_.end()) continue;
    if (trouble) {
      end(place, *trouble);
    } else {
      begin(place, HttpEndpointSignIn::Age::any);
    }
  }
}

// After a 401 with a fresh token, or secrets that have changed in their files, once for each try; after a 407 likewise.
bool HttpEndpoint::sign_in_again(Try& attempt, AttemptResult& result) {
  if (result.outcome != Outcome::broken || attempt.signed_in_again) return false;
  const bool of_proxy = result.error->kind == ErrorKind::proxy;
  if (!of_proxy && result.error->kind != ErrorKind::sign_in) return false;
  attempt.signed_in_again = true;
  // Another try may have signed in anew meanwhile.
  if (of_proxy ? attempt.proxy_generation != proxy_sign_in_.generation() : attempt.generation != sign_in_.generation())
    return true;
  if (of_proxy || !sign_in_.uses_tokens()) return read_secrets_again(of_proxy, result);
  sign_in_.drop_token();
  return true;
}

bool HttpEndpoint::read_secrets_again(bool of_proxy, AttemptResult& result) {
  const Result<bool> changed = of_proxy ? proxy_sign_in_.refresh(client_) : sign_in_.refresh();
  if (!changed) {
    result.error->message += "; its secret can't be read again: " + changed.error().message;
    return false;
  }
  if (*changed) log_info("secrets have changed and are used from now on", {{"destination", name_}});
  return *changed;
}

// ---- Answers --------------------------------------------------------------------------------------------------------

AttemptResult HttpEndpoint::classify(const Try& attempt, const TransferResult& answer) const {
  if (const auto* response = std::get_if<HttpClientResponse>(&answer.result)) {
    AttemptResult result = classify_http_endpoint_answer(settings_, *response, clock_.wall_now());
    result.server_date = parse_http_date(response->header("date").value_or(""));
    return result;
  }
  const auto& failure = std::get<TransferError>(answer.result);
  if (failure.failure == TransferFailure::body_failed && attempt.body->failure())
    return unreadable_payload(*attempt.body->failure());
  return classify_failure(failure);
}

void HttpEndpoint::take_answer(const TransferResult& answer) {
  if (answer.transfer == token_transfer) return take_token(answer);
  const auto place = tries_.find(answer.transfer);
  if (place == tries_.end()) return;
  AttemptResult result = classify(place->second, answer);
  if (sign_in_again(place->second, result)) return begin(place, HttpEndpointSignIn::Age::fresh);
  end(place, std::move(result));
}

void HttpEndpoint::end(Place place, AttemptResult result) {
  ended_.push_back({place->first, std::move(result)});
  tries_.erase(place);
}

std::vector<DeliveryResult> HttpEndpoint::poll(std::chrono::milliseconds timeout) {
  for (const TransferResult& answer : client_.poll(ended_.empty() ? timeout : std::chrono::milliseconds(0)))
    take_answer(answer);
  return std::exchange(ended_, {});
}

void HttpEndpoint::cancel_all() {
  client_.cancel_all();
  tries_.clear();
  waiting_.clear();
  ended_.clear();
}

}  // namespace

std::unique_ptr<Destination> make_http_endpoint(const DestinationSettings& destination, const HttpSettings& settings,
                                                const std::string& site, const Clock& clock) {
  return std::make_unique<HttpEndpoint>(destination, settings, site, clock);
}

}  // namespace relay
