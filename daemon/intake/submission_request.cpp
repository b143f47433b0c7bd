#include "intake/submission_request.hpp"

#include <utility>

#include "base/await_callback.hpp"
#include "base/http_text.hpp"
#include "base/log.hpp"
#include "intake/delivery_wait.hpp"
#include "intake/gzip_body.hpp"
#include "intake/http_answer.hpp"
#include "intake/request_fields.hpp"
#include "intake/submission_json.hpp"
#include "submission/client_name.hpp"

namespace relay {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::seconds longest_wait{60};

Failure<RequestProblem> malformed(std::string detail) {
  return {RequestProblem{ProblemName::malformed_request, std::move(detail)}};
}

// A field that may stand once at most; nothing where it is absent.
Result<std::optional<std::string_view>, RequestProblem> single_field(const HttpRequestHead& head,
                                                                     std::string_view name) {
  const auto values = head.all(name);
  if (values.size() > 1) return malformed(std::string(name) + " stands more than once.");
  return values.empty() ? std::nullopt : std::optional(trimmed(values.front()));
}

Result<std::optional<std::string>, RequestProblem> payload_name_of(const HttpRequestHead& head) {
  for (const std::string_view name : {"Relay-Payload-Name", "payloadName"}) {
    const auto value = single_field(head, name);
    if (!value) return Failure{value.error()};
    if (*value && !(*value)->empty()) return std::optional(payload_name_text(**value));
  }
  return std::optional<std::string>();
}

Result<std::optional<MediaType>, RequestProblem> content_type_of(const HttpRequestHead& head) {
  const auto value = single_field(head, "Content-Type");
  if (!value) return Failure{value.error()};
  if (!*value || (*value)->empty()) return std::optional<MediaType>();
  return std::optional(parse_media_type(**value).value_or(MediaType{}));
}

// What is wrong with these two is said when the body has been looked at (contract, "Errors": the order).
void read_key(const HttpRequestHead& head, Arrival& arrival) {
  const auto key = single_field(head, "Idempotency-Key");
  if (!key) {
    arrival.key_problem = key.error();
  } else if (*key) {
    arrival.idempotency_key = parse_idempotency_key(**key);
    if (!arrival.idempotency_key) {
      arrival.key_problem = malformed("An Idempotency-Key has 1 to 255 characters, quoted or bare.").error;
    }
  }
}

void read_digest(const HttpRequestHead& head, Arrival& arrival) {
  auto digest = parse_content_digest(head.all("Content-Digest"));
  if (digest) {
    arrival.content_digest = *digest;
  } else {
    arrival.digest_problem = RequestProblem{ProblemName::digest_mismatch, digest.error().message};
  }
}

HttpResponse submission_response(unsigned status, const Appended& appended) {
  // The sender gave the payload's name and may see it.
  SubmissionJsonOptions options;
  options.payload_name = true;
  HttpResponse response = json_text_response(status, submission_json(appended.view, options));
  response.fields.push_back({"Location", "/v1/submissions/" + appended.view.submission.id.text()});
  if (appended.replayed) response.fields.push_back({"Idempotency-Replayed", "true"});
  return response;
}

}  // namespace

Result<std::optional<std::string>, RequestProblem> client_of(const HttpRequestHead& head) {
  std::optional<std::string> client;
  for (const std::string_view name : {"Relay-Client", "client", "client_id"}) {
    for (const std::string_view value : head.all(name)) {
      if (!is_client_name(value)) {
        return Failure{
            RequestProblem{ProblemName::bad_client,
                           "A client's name has 1 to 100 letters, digits, '.', '_' and '-', and begins with a "
                           "letter or digit."}};
      }
      if (client && *client != value) {
        return Failure{RequestProblem{ProblemName::bad_client, "The request's headers name different clients."}};
      }
      client = value;
    }
  }
  return client;
}

Result<Arrival, RequestProblem> read_arrival(const HttpRequestHead& head, const SubmissionDoor& door) {
  Arrival arrival;
  arrival.intake = door.intake;
  arrival.any_client = door.any_client;
  arrival.rates = door.rates;
  auto client = client_of(head);
  if (!client) return Failure{std::move(client.error())};
  if (door.proven_client) {
    if (*client && **client != *door.proven_client) {
      return Failure{RequestProblem{ProblemName::client_not_allowed,
                                    "The credentials are of another client than the request names."}};
    }
    *client = door.proven_client;
  }
  if (!*client) *client = door.client;
  if (!*client) {
    return Failure{RequestProblem{ProblemName::no_client, "Name the client in Relay-Client; this listener has none."}};
  }
  arrival.client = std::move(**client);

  auto content_type = content_type_of(head);
  if (!content_type) return Failure{std::move(content_type.error())};
  arrival.content_type = std::move(*content_type);
  auto payload_name = payload_name_of(head);
  if (!payload_name) return Failure{std::move(payload_name.error())};
  arrival.payload_name = std::move(*payload_name);

  read_key(head, arrival);
  read_digest(head, arrival);
  arrival.content_coding = parse_content_coding(head.all("Content-Encoding"));
  // How much comes out of a coded body isn't known before.
  if (arrival.content_coding.empty()) arrival.declared_size = head.content_length;
  return arrival;
}

struct SubmissionRequests::State {
  State(SubmissionDoor door_, Receiver& receiver_, Journal& journal_)
      : door(std::move(door_)), receiver(receiver_), journal(journal_), waits(journal_) {}

  const SubmissionDoor door;
  Receiver& receiver;
  Journal& journal;
  DeliveryWaits waits;

  asio::awaitable<std::optional<RequestProblem>> receive(HttpBody& body, Reception& reception);
  asio::awaitable<Result<Appended, RequestProblem>> submit(Arrival arrival, HttpBody& body);
  asio::awaitable<HttpResponse> accepted_and_waited(Appended appended, std::chrono::seconds wait);
  RequestProblem counted(RequestProblem problem) {
    receiver.count_refusal(door.intake, problem.name);
    return problem;
  }
};

// Hands the body over piece by piece; the next isn't read before the last one is taken.
asio::awaitable<std::optional<RequestProblem>> SubmissionRequests::State::receive(HttpBody& body,
                                                                                  Reception& reception) {
  for (;;) {
    const auto piece = co_await body.read();
    if (!piece) co_return counted(body_problem(piece.error()));
    if (piece->empty()) co_return std::nullopt;
    const std::string_view bytes = *piece;
    auto taken = co_await await_callback<Result<void, RequestProblem>>(
        [&reception, bytes](auto done) { reception.write(bytes, std::move(done)); });
    if (!taken) co_return std::move(taken.error());
  }
}

asio::awaitable<Result<Appended, RequestProblem>> SubmissionRequests::State::submit(Arrival arrival, HttpBody& body) {
  // Content-Digest is of the bytes as sent: of a coded body only the door has seen them.
  const bool coded = !arrival.content_coding.empty();
  const std::optional<Digest> digest_as_sent =
      coded ? std::exchange(arrival.content_digest, std::nullopt) : std::optional<Digest>();
  auto admitted = receiver.admit(std::move(arrival));
  if (!admitted) co_return Failure{std::move(admitted.error())};
  Reception& reception = **admitted;

  std::optional<GzipBody> decoded;
  if (coded) decoded.emplace(body);
  auto problem = co_await receive(decoded ? static_cast<HttpBody&>(*decoded) : body, reception);
  if (problem) co_return Failure{std::move(*problem)};
  if (digest_as_sent && *digest_as_sent != decoded->sent_digest()) {
    co_return Failure{counted({ProblemName::digest_mismatch, "The SHA-256 of the bytes sent isn't Content-Digest's."})};
  }
  co_return co_await await_callback<Result<Appended, RequestProblem>>(
      [&reception](auto done) { reception.finish(std::move(done)); });
}

asio::awaitable<HttpResponse> SubmissionRequests::State::accepted_and_waited(Appended appended,
                                                                             std::chrono::seconds wait) {
  const SubmissionId id = appended.view.submission.id;
  co_await waits.wait(id, wait);
  auto found = journal.find(id, false);
  if (found && *found) appended.view = std::move((*found)->view);
  const bool delivered = appended.view.state == SubmissionState::delivered;
  HttpResponse response = submission_response(delivered ? 200 : 202, appended);
  response.fields.push_back({"Preference-Applied", "wait=" + std::to_string(wait.count())});
  co_return response;
}

SubmissionRequests::SubmissionRequests(SubmissionDoor door, Receiver& receiver, Journal& journal)
    : state_(std::make_shared<State>(std::move(door), receiver, journal)) {}
SubmissionRequests::~SubmissionRequests() = default;

asio::awaitable<HttpResponse> SubmissionRequests::post(const HttpRequestHead& head, HttpBody& body) {
  return post(head, body, state_->door);
}

asio::awaitable<Result<Appended, RequestProblem>> SubmissionRequests::take(Arrival arrival, HttpBody& body) {
  return state_->submit(std::move(arrival), body);
}

asio::awaitable<HttpResponse> SubmissionRequests::post(const HttpRequestHead& head, HttpBody& body,
                                                       const SubmissionDoor& door) {
  const auto state = state_;
  auto arrival = read_arrival(head, door);
  if (!arrival) co_return refuse(arrival.error());
  const auto wait = parse_wait(head.all("Prefer"), longest_wait);
  auto durable = co_await state->submit(std::move(*arrival), body);
  if (!durable) co_return problem_response(durable.error());
  log_debug(durable->replayed ? "a repeat was absorbed" : "a submission was accepted",
            {{"submission", durable->view.submission.id}, {"intake", intake_name(state->door.intake)}});
  if (wait) co_return co_await state->accepted_and_waited(std::move(*durable), *wait);
  co_return submission_response(202, *durable);
}

HttpResponse SubmissionRequests::refuse(const RequestProblem& problem) {
  return problem_response(state_->counted(problem));
}

void SubmissionRequests::stop() {
  state_->waits.stop();
}

}  // namespace relay
