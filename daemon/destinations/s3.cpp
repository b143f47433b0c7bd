#include "destinations/s3.hpp"

#include <map>
#include <stdexcept>
#include <utility>

#include "base/log.hpp"
#include "destinations/http_answer.hpp"
#include "destinations/http_transport.hpp"
#include "destinations/payload_body.hpp"
#include "destinations/proxy_sign_in.hpp"
#include "destinations/s3_answers.hpp"
#include "destinations/s3_probe.hpp"
#include "destinations/s3_requests.hpp"
#include "destinations/template_text.hpp"

namespace relay {
namespace {

// "Uploading objects" in the "Amazon S3 User Guide": 5 GB in a single PUT.
constexpr ByteCount largest_object = gibibytes(5);

class S3 final : public Destination {
 public:
  S3(const DestinationSettings& destination, const S3Settings& settings, const std::string& site, const Clock& clock)
      : name_(destination.name),
        timeout_(destination.timeout),
        settings_(settings),
        transport_(http_client_options(destination, site, destination.concurrency)),
        clock_(clock),
        requests_(settings, destination.timeout, clock),
        client_(transport_),
        proxy_sign_in_(destination.transport.proxy_credentials),
        if_none_match_(settings.if_none_match) {}

  DestinationLimits limits() const override { return limits_of(settings_); }
  void start(Delivery delivery) override;
  std::vector<DeliveryResult> poll(std::chrono::milliseconds timeout) override;
  std::size_t in_flight() const override { return tries_.size() + ended_.size(); }
  void cancel_all() override;
  std::vector<ProbeFinding> probe() override {
    return probe_s3(requests_, settings_.bucket, transport_, timeout_, clock_);
  }
  void wake() override { client_.wake(); }

 private:
  enum class Step {
    look_first,  // an earlier try may have made the object, and no condition keeps a PUT off it
    put,
    look_after_conflict,  // there is an object of that name
    look_after_silence,   // the PUT had no answer
  };
  struct Try {
    Delivery delivery;
    Step step = Step::put;
    bool conditional = false;  // the PUT under way has If-None-Match
    bool signed_in_again = false;
    // Of the secrets that the request under way was signed with, and went through the proxy with.
    unsigned generation = 0;
    unsigned proxy_generation = 0;
    std::shared_ptr<PayloadBody> body{};
    AttemptResult unknown{};  // of the PUT that had no answer
  };
  using Place = std::map<std::uint64_t, Try>::iterator;

  S3AnswerContext context() const { return {settings_.bucket, clock_.wall_now()}; }
  void send(Place place, Step step);
  void take_answer(const TransferResult& answer);
  void take_put_answer(Place place, const TransferResult& answer);
  void take_look_answer(Place place, const TransferResult& answer);
  AttemptResult judge(const Try& attempt, const TransferResult& answer) const;
  bool sign_in_again(Try& attempt, AttemptResult& result);
  void accept(Place place, const HttpClientResponse& response);
  void end(Place place, AttemptResult result);

  std::string name_;
  std::chrono::milliseconds timeout_;
  S3Settings settings_;
  HttpClientOptions transport_;
  const Clock& clock_;
  S3Requests requests_;
  HttpClient client_;
  ProxySignIn proxy_sign_in_;
  bool if_none_match_;
  std::map<std::uint64_t, Try> tries_;
  std::vector<DeliveryResult> ended_;
};

AttemptResult ended_with(Outcome outcome, ErrorKind kind, std::string message) {
  AttemptResult result;
  result.outcome = outcome;
  DeliveryError error;
  error.kind = kind;
  error.message = std::move(message);
  result.error = std::move(error);
  return result;
}

void S3::start(Delivery delivery) {
  const auto [place, inserted] = tries_.try_emplace(delivery.attempt);
  if (!inserted) throw std::logic_error("s3: this attempt is in flight already");
  Try& attempt = place->second;
  attempt.delivery = std::move(delivery);
  if (attempt.delivery.payload->size() != attempt.delivery.submission.size)
    return end(place, unreadable_payload({PayloadFailure::corrupt, "the payload isn't as long as its record says"}));
  attempt.body = std::make_shared<PayloadBody>(attempt.delivery.payload);
  send(place, attempt.delivery.possibly_delivered && !if_none_match_ ? Step::look_first : Step::put);
}

void S3::send(Place place, Step step) {
  Try& attempt = place->second;
  const Submission& submission = attempt.delivery.submission;
  attempt.step = step;
  attempt.generation = requests_.generation();
  attempt.proxy_generation = proxy_sign_in_.generation();
  attempt.conditional = if_none_match_;
  client_.start(place->first, step == Step::put ? requests_.put(submission, attempt.body, attempt.conditional)
                                                : requests_.head(submission));
}

// ---- Answers --------------------------------------------------------------------------------------------------------

AttemptResult S3::judge(const Try& attempt, const TransferResult& answer) const {
  if (const auto* response = std::get_if<HttpClientResponse>(&answer.result)) {
    AttemptResult result = classify_s3_answer(context(), *response);
    result.server_date = parse_http_date(response->header("date").value_or(""));
    return result;
  }
  const auto& failure = std::get<TransferError>(answer.result);
  if (failure.failure == TransferFailure::body_failed && attempt.body->failure())
    return unreadable_payload(*attempt.body->failure());
  return classify_s3_failure(context(), failure);
}

void S3::take_answer(const TransferResult& answer) {
  const auto place = tries_.find(answer.transfer);
  if (place == tries_.end()) return;
  if (place->second.step == Step::put)
    take_put_answer(place, answer);
  else
    take_look_answer(place, answer);
}

void S3::take_put_answer(Place place, const TransferResult& answer) {
  Try& attempt = place->second;
  const auto* response = std::get_if<HttpClientResponse>(&answer.result);
  if (response != nullptr && attempt.conditional && response->status == 412)
    return send(place, Step::look_after_conflict);
  if (response != nullptr && attempt.conditional && response->status == 501) {
    if (std::exchange(if_none_match_, false))
      log_warning("the service doesn't know If-None-Match: objects are written without it from now on",
                  {{"destination", name_}});
    return send(place, Step::put);
  }
  AttemptResult result = judge(attempt, answer);
  if (sign_in_again(attempt, result)) return send(place, Step::put);
  if (result.outcome == Outcome::accepted) return accept(place, *response);
  if (result.outcome != Outcome::unknown) return end(place, std::move(result));
  // Where a condition was made, a repeat can't write a second time.
  result.possibly_delivered = !attempt.conditional;
  attempt.unknown = std::move(result);
  send(place, Step::look_after_silence);
}

void S3::take_look_answer(Place place, const TransferResult& answer) {
  Try& attempt = place->second;
  const auto* response = std::get_if<HttpClientResponse>(&answer.result);
  const S3Object found =
      response == nullptr ? S3Object::unknown : found_by_head(*response, attempt.delivery.submission.id.text());
  if (found == S3Object::ours) return accept(place, *response);
  if (attempt.step == Step::look_after_silence) return end(place, std::move(attempt.unknown));
  if (attempt.step == Step::look_first) return send(place, Step::put);
  const std::string bucket = "bucket " + settings_.bucket + ": ";
  if (found == S3Object::another)
    return end(place, ended_with(Outcome::refused, ErrorKind::refused,
                                 bucket + "there is an object of that name already, and it isn't this submission's"));
  if (found == S3Object::absent)
    return end(place, ended_with(Outcome::try_later, ErrorKind::unavailable,
                                 bucket + "an object of that name was there, and is gone"));
  AttemptResult result = judge(attempt, answer);
  if (sign_in_again(attempt, result)) return send(place, Step::look_after_conflict);
  if (result.outcome == Outcome::accepted)  // no HEAD is answered with what a PUT is
    result = ended_with(Outcome::broken, ErrorKind::unexpected_answer, bucket + "the object can't be looked at");
  // The PUT was answered: nothing is unknown of it.
  if (result.outcome == Outcome::unknown) result.outcome = Outcome::try_later;
  result.error->message += "; it was to tell whether the object of that name is this submission's";
  end(place, std::move(result));
}

bool S3::sign_in_again(Try& attempt, AttemptResult& result) {
  if (result.outcome != Outcome::broken || attempt.signed_in_again) return false;
  const ErrorKind kind = result.error->kind;
  if (kind != ErrorKind::sign_in && kind != ErrorKind::forbidden && kind != ErrorKind::proxy) return false;
  attempt.signed_in_again = true;
  const bool of_proxy = kind == ErrorKind::proxy;
  // Another try may have read new secrets meanwhile.
  if (of_proxy ? attempt.proxy_generation != proxy_sign_in_.generation() : attempt.generation != requests_.generation())
    return true;
  const Result<bool> changed = of_proxy ? proxy_sign_in_.refresh(client_) : requests_.refresh();
  if (!changed) {
    result.error->message += "; its secret can't be read again: " + changed.error().message;
    return false;
  }
  if (*changed) log_info("secrets have changed and are used from now on", {{"destination", name_}});
  return *changed;
}

void S3::accept(Place place, const HttpClientResponse& response) {
  AttemptResult result;
  result.outcome = Outcome::accepted;
  result.server_date = parse_http_date(response.header("date").value_or(""));
  result.receipt["bucket"] = settings_.bucket;
  result.receipt["key"] = fill_in_for_show(settings_.key, place->second.delivery.submission);
  for (const auto& [key, header] : {std::pair{"etag", "etag"}, {"version_id", "x-amz-version-id"}})
    if (const auto value = response.header(header)) result.receipt[key] = std::string(*value);
  end(place, std::move(result));
}

void S3::end(Place place, AttemptResult result) {
  ended_.push_back({place->first, std::move(result)});
  tries_.erase(place);
}

std::vector<DeliveryResult> S3::poll(std::chrono::milliseconds timeout) {
  for (const TransferResult& answer : client_.poll(ended_.empty() ? timeout : std::chrono::milliseconds(0)))
    take_answer(answer);
  return std::exchange(ended_, {});
}

void S3::cancel_all() {
  client_.cancel_all();
  tries_.clear();
  ended_.clear();
}

}  // namespace

std::unique_ptr<Destination> make_s3(const DestinationSettings& destination, const S3Settings& settings,
                                     const std::string& site, const Clock& clock) {
  return std::make_unique<S3>(destination, settings, site, clock);
}

DestinationLimits limits_of(const S3Settings&) {
  DestinationLimits limits;
  limits.max_payload = largest_object;
  return limits;
}

}  // namespace relay
