#include "destinations/reportstream.hpp"

#include <map>
#include <set>
#include <stdexcept>
#include <utility>

#include "base/log.hpp"
#include "destinations/hl7_answer.hpp"
#include "destinations/http_answer.hpp"
#include "destinations/http_transport.hpp"
#include "destinations/payload_body.hpp"
#include "destinations/reportstream_answers.hpp"
#include "destinations/reportstream_probe.hpp"
#include "destinations/reportstream_requests.hpp"
#include "destinations/reportstream_search.hpp"
#include "destinations/reportstream_sign_in.hpp"

namespace relay {
namespace {

// Lanes count their attempts from 1; follow-ups and tokens are numbered from here on.
constexpr std::uint64_t first_follow_up = std::uint64_t{1} << 62;
constexpr std::uint64_t first_token = std::uint64_t{1} << 63;

constexpr ByteCount largest_payload{50'000'000};
// Connections for tokens and follow-ups.
constexpr std::size_t beside_submissions = 4;

class ReportStream final : public Destination {
 public:
  ReportStream(const DestinationSettings& destination, const ReportStreamSettings& settings, const std::string& site,
               const Clock& clock)
      : name_(destination.name),
        timeout_(destination.timeout),
        settings_(settings),
        transport_(http_client_options(destination, site, destination.concurrency + beside_submissions)),
        clock_(clock),
        sign_in_(settings, clock),
        client_(transport_) {}

  DestinationLimits limits() const override { return limits_of(settings_); }
  void start(Delivery delivery) override { take_on(Purpose::submit, std::move(delivery)); }
  std::vector<DeliveryResult> poll(std::chrono::milliseconds timeout) override;
  std::size_t in_flight() const override { return tries_ + ended_.size(); }
  bool reconciles() const override { return true; }
  void reconcile(Delivery delivery) override { take_on(Purpose::look, std::move(delivery)); }
  bool follows_up() const override { return settings_.follow_up; }
  void follow_up(FollowUp delivered) override;
  std::vector<FollowUpAnswer> take_follow_ups() override { return std::exchange(follow_ups_, {}); }
  void cancel_all() override;
  std::vector<ProbeFinding> probe() override {
    return probe_reportstream(settings_, sign_in_, transport_, timeout_, clock_);
  }
  void wake() override { client_.wake(); }

 private:
  enum class Purpose {
    submit,
    look,       // for this delivery in the list
    follow_up,  // its history
    find,       // its report's id in the list, for a follow-up whose receipt has none
  };
  // One request or several for one end.
  struct Errand {
    Purpose purpose = Purpose::submit;
    Delivery delivery;
    std::string issuer;
    std::shared_ptr<PayloadBody> body{};
    bool signed_in_again = false;
    unsigned generation = 0;  // of what the request under way was signed in with
    ReportStreamSearch search{};
    std::string report_id;    // of a follow-up
    WallTime delivered_at{};  // likewise
  };
  // A token that is being asked for.
  struct TokenErrand {
    std::string issuer;
    bool key_read_again = false;
  };
  using Place = std::map<std::uint64_t, Errand>::iterator;

  void take_on(Purpose purpose, Delivery delivery);
  void begin(Place place, ReportStreamSignIn::Age age = ReportStreamSignIn::Age::fresh);
  HttpClientRequest request_of(const Errand& errand) const;
  void ask_for_token(const std::string& issuer, bool key_read_again);
  void take_token(std::uint64_t transfer, const TransferResult& answer);
  bool read_key_again(AttemptResult& result);
  void take_answer(const TransferResult& answer);
  bool sign_in_again(Errand& errand, std::string& why_not);
  void end_submission(Place place, const TransferResult& answer);
  void end_look(Place place, const TransferResult& answer);
  void end_find(Place place, const TransferResult& answer);
  void end_follow_up(Place place, const TransferResult& answer);
  void could_not(Place place, AttemptResult result);
  void end(Place place, DeliveryResult result);
  void end(Place place, FollowUpAnswer answer);

  std::string name_;
  std::chrono::milliseconds timeout_;
  ReportStreamSettings settings_;
  HttpClientOptions transport_;
  const Clock& clock_;
  ReportStreamSignIn sign_in_;
  HttpClient client_;
  std::map<std::uint64_t, Errand> errands_;
  std::size_t tries_ = 0;  // errands that aren't follow-ups
  std::map<std::uint64_t, TokenErrand> token_errands_;
  std::map<std::string, std::vector<std::uint64_t>> waiting_;  // for a token of that issuer
  std::uint64_t last_follow_up_ = first_follow_up;
  std::uint64_t last_token_ = first_token;
  std::vector<DeliveryResult> ended_;
  std::vector<FollowUpAnswer> follow_ups_;
};

bool is_for_a_try(std::uint64_t number) {
  return number < first_follow_up;
}

// ---- Beginning ------------------------------------------------------------------------------------------------------

void ReportStream::take_on(Purpose purpose, Delivery delivery) {
  const std::uint64_t number = delivery.attempt;
  const auto [place, inserted] = errands_.try_emplace(number);
  if (!inserted) throw std::logic_error("reportstream: this attempt is in flight already");
  ++tries_;
  Errand& errand = place->second;
  errand.purpose = purpose;
  errand.delivery = std::move(delivery);
  const Submission& submission = errand.delivery.submission;
  errand.issuer = sign_in_.issuer_of(reportstream_client(settings_, submission));
  if (purpose == Purpose::look) {
    std::set<std::string> earlier;
    for (const Receipt& receipt : errand.delivery.earlier_receipts)
      if (const auto id = receipt.find("id"); id != receipt.end()) earlier.insert(id->second);
    errand.search = {submission.id.text(), errand.delivery.unknown_since.value_or(submission.accepted_at),
                     std::move(earlier)};
  } else if (errand.delivery.payload->size() != submission.size) {
    end(place, {number, unreadable_payload({PayloadFailure::corrupt, "the payload isn't as long as its record says"})});
    return;
  } else {
    errand.body = std::make_shared<PayloadBody>(errand.delivery.payload);
  }
  begin(place);
}

void ReportStream::follow_up(FollowUp delivered) {
  const auto place = errands_.try_emplace(++last_follow_up_).first;
  Errand& errand = place->second;
  const auto id = delivered.receipt.find("id");
  errand.purpose = id == delivered.receipt.end() ? Purpose::find : Purpose::follow_up;
  if (id != delivered.receipt.end()) errand.report_id = id->second;
  errand.delivered_at = delivered.delivered_at;
  errand.search = {delivered.submission.id.text(), delivered.submission.accepted_at, {}};
  errand.delivery.submission = std::move(delivered.submission);
  errand.issuer = sign_in_.issuer_of(reportstream_client(settings_, errand.delivery.submission));
  begin(place);
}

void ReportStream::begin(Place place, ReportStreamSignIn::Age age) {
  Errand& errand = place->second;
  const auto header = sign_in_.header(errand.issuer, age);
  if (!header) {
    auto& waiting = waiting_[errand.issuer];
    waiting.push_back(place->first);
    if (waiting.size() == 1) ask_for_token(errand.issuer, false);
    return;
  }
  errand.generation = sign_in_.generation(errand.issuer);
  HttpClientRequest request = request_of(errand);
  request.timeout = timeout_;
  request.headers.emplace_back(header->first, header->second.reveal());
  client_.start(place->first, std::move(request));
}

HttpClientRequest ReportStream::request_of(const Errand& errand) const {
  const Submission& submission = errand.delivery.submission;
  switch (errand.purpose) {
    case Purpose::submit:
      return submit_request(settings_, submission, errand.body);
    case Purpose::follow_up:
      return history_request(settings_, errand.report_id);
    case Purpose::look:
    case Purpose::find:
      return errand.search.request(settings_, reportstream_client(settings_, submission));
  }
  throw std::logic_error("reportstream: no such errand");
}

// ---- Signing in -----------------------------------------------------------------------------------------------------

void ReportStream::ask_for_token(const std::string& issuer, bool key_read_again) {
  const std::uint64_t number = ++last_token_;
  token_errands_[number] = {issuer, key_read_again};
  client_.start(number, sign_in_.token_request(issuer, timeout_));
}

void ReportStream::take_token(std::uint64_t transfer, const TransferResult& answer) {
  const TokenErrand errand = token_errands_.extract(transfer).mapped();
  const auto* response = std::get_if<HttpClientResponse>(&answer.result);
  std::optional<AttemptResult> trouble = response != nullptr ? sign_in_.take_token(errand.issuer, *response)
                                                             : token_failure(std::get<TransferError>(answer.result));
  if (trouble && trouble->error->kind == ErrorKind::sign_in && !errand.key_read_again && read_key_again(*trouble)) {
    ask_for_token(errand.issuer, true);
    return;
  }
  for (const std::uint64_t number : std::exchange(waiting_[errand.issuer], {})) {
    const auto place = errands_.find(number);
    if (place == errands_.end()) continue;
    if (trouble) {
      could_not(place, *trouble);
    } else {
      begin(place, ReportStreamSignIn::Age::any);
    }
  }
}

bool ReportStream::read_key_again(AttemptResult& result) {
  const Result<bool> changed = sign_in_.refresh();
  if (!changed) {
    result.error->message += "; its secret can't be read again: " + changed.error().message;
    return false;
  }
  if (*changed) log_info("secrets have changed and are used from now on", {{"destination", name_}});
  return *changed;
}

// After a 401: with a fresh token, or a key that has changed in its file, once for each errand.
bool ReportStream::sign_in_again(Errand& errand, std::string& why_not) {
  if (std::exchange(errand.signed_in_again, true)) return false;
  if (errand.generation != sign_in_.generation(errand.issuer)) return true;  // another one has signed in meanwhile
  if (sign_in_.uses_tokens()) {
    sign_in_.drop_token(errand.issuer);
    return true;
  }
  AttemptResult result;
  result.error.emplace();
  const bool changed = read_key_again(result);
  why_not = result.error->message;
  return changed;
}

// ---- Answers --------------------------------------------------------------------------------------------------------

void ReportStream::take_answer(const TransferResult& answer) {
  if (token_errands_.contains(answer.transfer)) return take_token(answer.transfer, answer);
  const auto place = errands_.find(answer.transfer);
  if (place == errands_.end()) return;
  Errand& errand = place->second;
  const auto* response = std::get_if<HttpClientResponse>(&answer.result);
  if (response != nullptr && response->status == 401) {
    std::string why_not;
    if (sign_in_again(errand, why_not)) return begin(place);
    if (!why_not.empty()) log_warning("a 401 came" + why_not, {{"destination", name_}});
  }
  switch (errand.purpose) {
    case Purpose::submit:
      return end_submission(place, answer);
    case Purpose::look:
      return end_look(place, answer);
    case Purpose::follow_up:
      return end_follow_up(place, answer);
    case Purpose::find:
      return end_find(place, answer);
  }
}

void ReportStream::end_submission(Place place, const TransferResult& answer) {
  const Errand& errand = place->second;
  if (const auto* failure = std::get_if<TransferError>(&answer.result)) {
    if (failure->failure == TransferFailure::body_failed && errand.body->failure())
      return end(place, {place->first, unreadable_payload(*errand.body->failure())});
    return end(place, {place->first, classify_failure(*failure)});
  }
  const auto& response = std::get<HttpClientResponse>(answer.result);
  ReportStreamContext context;
  context.possibly_delivered = errand.delivery.possibly_delivered;
  context.now = clock_.wall_now();
  // Only an acknowledgement needs it, so only then is the payload looked at once more.
  if (response.status / 100 == 2 && read_hl7_answer(response.body))
    context.control_id = control_id_of(*errand.delivery.payload);
  AttemptResult result = classify_reportstream_answer(context, response);
  result.server_date = parse_http_date(response.header("date").value_or(""));
  end(place, {place->first, std::move(result)});
}

void ReportStream::end_look(Place place, const TransferResult& answer) {
  ReportStreamSearch& search = place->second.search;
  DeliveryResult result;
  result.attempt = place->first;
  switch (search.take(answer)) {
    case ReportStreamSearch::Step::next_page:
      return begin(place);
    case ReportStreamSearch::Step::absent:
      result.presence = Presence::absent;
      break;
    case ReportStreamSearch::Step::too_long:
      result.presence = Presence::cannot_tell;
      break;
    case ReportStreamSearch::Step::no_list:
      if (auto trouble = list_trouble(answer, clock_.wall_now())) {
        result.result = std::move(*trouble);
      } else {
        result.presence = Presence::cannot_tell;
      }
      break;
    case ReportStreamSearch::Step::found:
      result.presence = Presence::there;
      result.result.outcome = Outcome::accepted;
      if (!search.found().id.empty()) result.result.receipt["id"] = search.found().id;
      if (!search.found().submission_id.empty()) result.result.receipt["submissionId"] = search.found().submission_id;
      break;
  }
  end(place, std::move(result));
}

void ReportStream::end_find(Place place, const TransferResult& answer) {
  Errand& errand = place->second;
  const auto step = errand.search.take(answer);
  if (step == ReportStreamSearch::Step::next_page) return begin(place);
  if (step != ReportStreamSearch::Step::found || errand.search.found().id.empty()) return end_follow_up(place, answer);
  errand.report_id = errand.search.found().id;
  errand.purpose = Purpose::follow_up;
  begin(place);
}

void ReportStream::end_follow_up(Place place, const TransferResult& answer) {
  const Errand& errand = place->second;
  FollowUpAnswer said;
  if (const auto* failure = std::get_if<TransferError>(&answer.result)) {
    said.error = classify_failure(*failure).error;
    said.destination_away = true;
    return end(place, std::move(said));
  }
  const auto& response = std::get<HttpClientResponse>(answer.result);
  const auto status = errand.purpose == Purpose::follow_up
                          ? reportstream_status(response, clock_.wall_now() - errand.delivered_at)
                          : std::nullopt;
  if (status) {
    said.confirmation = status->confirmation;
    said.overall_status = status->overall_status;
    return end(place, std::move(said));
  }
  const bool not_there = response.status == 200 || response.status == 404 || response.status == 400;
  said.error = response.status == 200
                   ? answer_error(response, ErrorKind::unexpected_answer, "the history says nothing that is known")
                   : classify_reportstream_answer({}, response).error;
  said.destination_away = !not_there;
  end(place, std::move(said));
}

// ---- Ending ---------------------------------------------------------------------------------------------------------

// The errand couldn't be begun.
void ReportStream::could_not(Place place, AttemptResult result) {
  if (is_for_a_try(place->first)) return end(place, {place->first, std::move(result)});
  FollowUpAnswer said;
  said.error = std::move(result.error);
  said.destination_away = true;
  end(place, std::move(said));
}

void ReportStream::end(Place place, DeliveryResult result) {
  errands_.erase(place);
  --tries_;
  ended_.push_back(std::move(result));
}

void ReportStream::end(Place place, FollowUpAnswer answer) {
  answer.id = place->second.delivery.submission.id;
  errands_.erase(place);
  follow_ups_.push_back(std::move(answer));
}

std::vector<DeliveryResult> ReportStream::poll(std::chrono::milliseconds timeout) {
  const bool something_there = !ended_.empty() || !follow_ups_.empty();
  for (const TransferResult& answer : client_.poll(something_there ? std::chrono::milliseconds(0) : timeout))
    take_answer(answer);
  return std::exchange(ended_, {});
}

void ReportStream::cancel_all() {
  client_.cancel_all();
  errands_.clear();
  tries_ = 0;
  token_errands_.clear();
  waiting_.clear();
  ended_.clear();
  follow_ups_.clear();
}

}  // namespace

std::unique_ptr<Destination> make_reportstream(const DestinationSettings& destination,
                                               const ReportStreamSettings& settings, const std::string& site,
                                               const Clock& clock) {
  return std::make_unique<ReportStream>(destination, settings, site, clock);
}

DestinationLimits limits_of(const ReportStreamSettings& settings) {
  DestinationLimits limits;
  limits.max_payload = largest_payload;
  limits.reaches_reportstream = true;
  // Where the type is set here, what it is there is the configuration's word.
  if (settings.content_type.empty())
    limits.content_types = {"application/hl7-v2", "application/fhir+ndjson", "text/csv"};
  const auto* jwt = std::get_if<PrivateKeyJwtSettings>(&settings.auth);
  if (jwt != nullptr && !jwt->issuer.empty() && settings.client.empty())
    limits.organization = organization_of(jwt->issuer);
  return limits;
}

}  // namespace relay
