#include "destinations/azure_storage_queue.hpp"

#include <array>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>

#include "base/digest.hpp"
#include "base/http_client.hpp"
#include "base/log.hpp"
#include "destinations/azure_account.hpp"
#include "destinations/azure_answers.hpp"
#include "destinations/azure_probe.hpp"
#include "destinations/azure_request.hpp"
#include "destinations/envelope_raw.hpp"
#include "destinations/envelope_reportstream.hpp"
#include "destinations/http_transport.hpp"
#include "destinations/payload_body.hpp"
#include "destinations/proxy_sign_in.hpp"

namespace relay {
namespace {

// Transfers that make queue, container and table at the start are numbered from here on; lanes count from 1.
constexpr std::uint64_t first_setup_transfer = std::uint64_t{1} << 63;

AzureStep creation_of(AzureService service) {
  switch (service) {
    case AzureService::blob:
      return AzureStep::create_container;
    case AzureService::table:
      return AzureStep::create_table;
    case AzureService::queue:
      return AzureStep::create_queue;
  }
  throw std::logic_error("no such Azure service");
}

AttemptResult refused(ErrorKind kind, std::string message) {
  AttemptResult result;
  result.outcome = Outcome::refused;
  DeliveryError error;
  error.kind = kind;
  error.message = std::move(message);
  result.error = std::move(error);
  return result;
}

class AzureStorageQueue final : public Destination {
 public:
  AzureStorageQueue(const DestinationSettings& destination, const AzureStorageQueueSettings& settings,
                    const std::string& site, const Clock& clock)
      : name_(destination.name),
        timeout_(destination.timeout),
        settings_(settings),
        transport_(http_options(destination, site)),
        clock_(clock),
        account_(settings),
        client_(transport_),
        proxy_sign_in_(destination.transport.proxy_credentials),
        set_up_(!settings.create) {}

  DestinationLimits limits() const override { return limits_of(settings_); }
  void start(Delivery delivery) override;
  std::vector<DeliveryResult> poll(std::chrono::milliseconds timeout) override;
  std::size_t in_flight() const override { return tries_.size() + ended_.size(); }
  void cancel_all() override;
  std::vector<ProbeFinding> probe() override { return probe_azure(account_, settings_, transport_, timeout_, clock_); }
  void wake() override { client_.wake(); }

 private:
  struct Try {
    Delivery delivery;
    AzureStep step = AzureStep::put_message;
    bool creating = false;          // the request under way makes what `step` was missing
    std::array<bool, 3> created{};  // by AzureService: made in this try already
    bool signed_in_again = false;
    // Of the secrets that the request under way was signed with, and went through the proxy with.
    unsigned generation = 0;
    unsigned proxy_generation = 0;
    std::shared_ptr<PayloadBody> body;
    std::string message_xml;
    Receipt receipt;
  };

  HttpClientOptions http_options(const DestinationSettings& destination, const std::string& site) const;
  std::string resource_of(AzureService service) const;
  AzureAnswerContext context_of(AzureStep step) const;
  AzureRequest creation_request(AzureStep step) const;

  std::optional<AttemptResult> prepare(Try& attempt);
  AzureRequest request_of(Try& attempt) const;
  void send(Try& attempt);
  void take_answer(TransferResult answer);
  void take_setup_answer(const TransferResult& answer);
  AttemptResult classify(const Try& attempt, const TransferResult& answer) const;
  bool go_on(Try& attempt, const AttemptResult& result);
  bool sign_in_again(Try& attempt, AttemptResult& result);
  bool refresh_secrets(const Try& attempt, AttemptResult& result);
  bool create_missing(Try& attempt, const AttemptResult& result);
  void set_up();
  void end(std::uint64_t attempt, AttemptResult result);

  std::string name_;
  std::chrono::milliseconds timeout_;
  AzureStorageQueueSettings settings_;
  HttpClientOptions transport_;
  const Clock& clock_;
  AzureAccount account_;
  HttpClient client_;
  ProxySignIn proxy_sign_in_;
  std::map<std::uint64_t, Try> tries_;
  std::vector<DeliveryResult> ended_;
  bool set_up_;
};

HttpClientOptions AzureStorageQueue::http_options(const DestinationSettings& destination,
                                                  const std::string& site) const {
  // A try uses its services one after another, each on a host of its own: that many connections can be kept for each.
  const std::size_t services = settings_.envelope == ReportStreamEnvelope::raw ? 1 : settings_.table.empty() ? 2 : 3;
  return http_client_options(destination, site, destination.concurrency * services);
}

std::string AzureStorageQueue::resource_of(AzureService service) const {
  switch (service) {
    case AzureService::queue:
      return "queue " + settings_.queue;
    case AzureService::blob:
      return "blob container " + settings_.blob_container;
    case AzureService::table:
      return "table " + settings_.table;
  }
  throw std::logic_error("no such Azure service");
}

AzureAnswerContext AzureStorageQueue::context_of(AzureStep step) const {
  const AzureService service = service_of(step);
  return {step, resource_of(service), account_.sas_of(service), clock_.wall_now()};
}

// What has to be done before the first request: nothing, or the result that is known already.
std::optional<AttemptResult> AzureStorageQueue::prepare(Try& attempt) {
  Delivery& delivery = attempt.delivery;
  const Submission& submission = delivery.submission;
  if (delivery.payload->size() != submission.size)
    return unreadable_payload({PayloadFailure::corrupt, "the payload isn't as long as its record says"});
  if (settings_.envelope == ReportStreamEnvelope::reportstream) {
    if (submission.size > reportstream_payload_limit)
      return refused(ErrorKind::too_large, "the payload is larger than the 50,000,000 bytes that ReportStream takes");
    const std::string blob = reportstream_blob_name(submission);
    attempt.receipt["blob_url"] = account_.blob_url(settings_.blob_container, blob);
    const std::string message = reportstream_message(submission, attempt.receipt["blob_url"], settings_.queue);
    if (message.size() > reportstream_message_limit)
      return refused(ErrorKind::too_large, "the message is larger than a queue takes: its payload name is too long");
    attempt.message_xml = queue_message_xml(base64_encode(message));
    attempt.body = std::make_shared<PayloadBody>(delivery.payload);
    attempt.step = AzureStep::put_blob;
    return std::nullopt;
  }
  const ByteCount limit = raw_payload_limit(settings_.encoding);
  if (delivery.payload->size() > limit)
    return refused(ErrorKind::too_large, "the payload is larger than a queue message takes");
  const auto payload = read_whole_payload(*delivery.payload, limit);
  if (!payload) return unreadable_payload(payload.error());
  auto xml = raw_message_xml(*payload, settings_.encoding);
  if (!xml) return refused(ErrorKind::refused, "the payload isn't text that XML can carry: use encoding: base64");
  attempt.message_xml = std::move(*xml);
  attempt.step = AzureStep::put_message;
  return std::nullopt;
}

void AzureStorageQueue::start(Delivery delivery) {
  const std::uint64_t number = delivery.attempt;
  const auto [place, inserted] = tries_.try_emplace(number);
  if (!inserted) throw std::logic_error("azure_storage_queue: this attempt is in flight already");
  Try& attempt = place->second;
  attempt.delivery = std::move(delivery);
  if (auto result = prepare(attempt))
    end(number, std::move(*result));
  else
    send(attempt);
}

AzureRequest AzureStorageQueue::creation_request(AzureStep step) const {
  switch (step) {
    case AzureStep::create_container:
      return create_container_request(settings_.blob_container);
    case AzureStep::create_table:
      return create_table_request(settings_.table);
    default:
      return create_queue_request(settings_.queue);
  }
}

AzureRequest AzureStorageQueue::request_of(Try& attempt) const {
  const Submission& submission = attempt.delivery.submission;
  if (attempt.creating) return creation_request(creation_of(service_of(attempt.step)));
  switch (attempt.step) {
    case AzureStep::put_blob:
      return put_blob_request(settings_.blob_container, reportstream_blob_name(submission), submission.content_type,
                              attempt.body);
    case AzureStep::insert_row:
      return insert_row_request(settings_.table, reportstream_row(submission, attempt.receipt["blob_url"]));
    default: {
      std::optional<std::chrono::seconds> ttl;
      if (settings_.message_ttl) ttl = std::chrono::ceil<std::chrono::seconds>(*settings_.message_ttl);
      return put_message_request(settings_.queue, attempt.message_xml, ttl);
    }
  }
}

void AzureStorageQueue::send(Try& attempt) {
  attempt.generation = account_.generation();
  attempt.proxy_generation = proxy_sign_in_.generation();
  client_.start(attempt.delivery.attempt, account_.signed_request(request_of(attempt), clock_.wall_now(), timeout_,
                                                                  attempt.delivery.submission.id.text()));
}

AttemptResult AzureStorageQueue::classify(const Try& attempt, const TransferResult& answer) const {
  const AzureAnswerContext context =
      context_of(attempt.creating ? creation_of(service_of(attempt.step)) : attempt.step);
  if (const auto* response = std::get_if<HttpClientResponse>(&answer.result)) {
    AttemptResult result = classify_azure_answer(context, *response);
    result.server_date = parse_http_date(response->header("date").value_or(""));
    return result;
  }
  const auto& failure = std::get<TransferError>(answer.result);
  if (failure.failure == TransferFailure::body_failed && attempt.body && attempt.body->failure())
    return unreadable_payload(*attempt.body->failure());
  return classify_azure_failure(context, failure);
}

void AzureStorageQueue::take_answer(TransferResult answer) {
  const auto place = tries_.find(answer.transfer);
  if (place == tries_.end()) return take_setup_answer(answer);
  Try& attempt = place->second;
  AttemptResult result = classify(attempt, answer);
  if (go_on(attempt, result) || sign_in_again(attempt, result) || create_missing(attempt, result)) {
    send(attempt);
    return;
  }
  for (const auto& [key, value] : attempt.receipt)
    if (result.outcome == Outcome::accepted) result.receipt.emplace(key, value);
  end(answer.transfer, std::move(result));
}

// True where the step was done and another follows.
bool AzureStorageQueue::go_on(Try& attempt, const AttemptResult& result) {
  if (result.outcome != Outcome::accepted) return false;
  if (attempt.creating) {
    log_info("made what was missing", {{"destination", name_}, {"made", resource_of(service_of(attempt.step))}});
    attempt.creating = false;
    return true;
  }
  if (attempt.step == AzureStep::put_message) return false;
  attempt.step =
      attempt.step == AzureStep::put_blob && !settings_.table.empty() ? AzureStep::insert_row : AzureStep::put_message;
  return true;
}

bool AzureStorageQueue::sign_in_again(Try& attempt, AttemptResult& result) {
  if (result.outcome != Outcome::broken || attempt.signed_in_again) return false;
  const ErrorKind kind = result.error->kind;
  if (kind != ErrorKind::sign_in && kind != ErrorKind::forbidden && kind != ErrorKind::proxy) return false;
  attempt.signed_in_again = true;
  return refresh_secrets(attempt, result);
}

// True where there is something new to try.
bool AzureStorageQueue::refresh_secrets(const Try& attempt, AttemptResult& result) {
  const bool of_proxy = result.error->kind == ErrorKind::proxy;
  // Another try may have read new secrets meanwhile.
  if (of_proxy ? attempt.proxy_generation != proxy_sign_in_.generation() : attempt.generation != account_.generation())
    return true;
  const Result<bool> changed = of_proxy ? proxy_sign_in_.refresh(client_) : account_.refresh();
  if (!changed) {
    result.error->message += "; its secret can't be read again: " + changed.error().message;
    return false;
  }
  if (*changed) log_info("secrets have changed and are used from now on", {{"destination", name_}});
  return *changed;
}

bool AzureStorageQueue::create_missing(Try& attempt, const AttemptResult& result) {
  if (!settings_.create || attempt.creating || !result.error || result.error->status != 404) return false;
  bool& created = attempt.created[static_cast<std::size_t>(service_of(attempt.step))];
  if (created) return false;
  created = true;
  attempt.creating = true;
  return true;
}

void AzureStorageQueue::end(std::uint64_t attempt, AttemptResult result) {
  tries_.erase(attempt);
  ended_.push_back({attempt, std::move(result)});
}

// With `create: true` queue, container and table are there before the first submission is. A failure isn't followed up:
// the first delivery meets it again and tells.
void AzureStorageQueue::set_up() {
  set_up_ = true;
  std::vector<AzureStep> steps = {AzureStep::create_queue};
  if (settings_.envelope != ReportStreamEnvelope::raw) {
    steps.push_back(AzureStep::create_container);
    if (!settings_.table.empty()) steps.push_back(AzureStep::create_table);
  }
  for (const AzureStep step : steps)
    client_.start(first_setup_transfer + static_cast<std::uint64_t>(step),
                  account_.signed_request(creation_request(step), clock_.wall_now(), timeout_, "edge-relay-setup"));
}

void AzureStorageQueue::take_setup_answer(const TransferResult& answer) {
  const auto step = static_cast<AzureStep>(answer.transfer - first_setup_transfer);
  const auto* response = std::get_if<HttpClientResponse>(&answer.result);
  const AttemptResult result = response != nullptr
                                   ? classify_azure_answer(context_of(step), *response)
                                   : classify_azure_failure(context_of(step), std::get<TransferError>(answer.result));
  if (result.outcome != Outcome::accepted)
    log_warning("can't make what may be missing; the first delivery will try again",
                {{"destination", name_}, {"error", result.error->message}});
}

std::vector<DeliveryResult> AzureStorageQueue::poll(std::chrono::milliseconds timeout) {
  if (!set_up_) set_up();
  for (TransferResult& answer : client_.poll(ended_.empty() ? timeout : std::chrono::milliseconds(0)))
    take_answer(std::move(answer));
  return std::exchange(ended_, {});
}

void AzureStorageQueue::cancel_all() {
  client_.cancel_all();
  tries_.clear();
  ended_.clear();
}

}  // namespace

std::unique_ptr<Destination> make_azure_storage_queue(const DestinationSettings& destination,
                                                      const AzureStorageQueueSettings& settings,
                                                      const std::string& site, const Clock& clock) {
  if (settings.envelope == ReportStreamEnvelope::cloudevents)
    throw std::invalid_argument("azure_storage_queue: envelope cloudevents isn't supported by this version");
  return std::make_unique<AzureStorageQueue>(destination, settings, site, clock);
}

DestinationLimits limits_of(const AzureStorageQueueSettings& settings) {
  DestinationLimits limits;
  if (settings.envelope == ReportStreamEnvelope::reportstream) {
    limits.max_payload = reportstream_payload_limit;
    limits.content_types = reportstream_content_types();
    limits.reaches_reportstream = true;
  } else {
    limits.max_payload = raw_payload_limit(settings.encoding);
  }
  return limits;
}

}  // namespace relay
