#include "intake/http_intake.hpp"

#include <boost/asio/awaitable.hpp>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

#include "intake/access_tokens.hpp"
#include "intake/client_assertion.hpp"
#include "intake/client_rates.hpp"
#include "intake/http_answer.hpp"
#include "intake/http_gate.hpp"
#include "intake/intake_description.hpp"
#include "intake/listener_access.hpp"
#include "intake/listener_certificates.hpp"
#include "intake/reportstream_door.hpp"
#include "intake/submission_json.hpp"
#include "intake/submission_request.hpp"

namespace relay {
namespace {

namespace asio = boost::asio;

constexpr std::string_view collection_path = "/v1/submissions";

HttpServerOptions server_options(const HttpListenerSettings& listener, const IntakeSettings& intake) {
  HttpServerOptions options;
  options.listen = listener.listen;
  options.request_timeout = intake.request_timeout;
  options.max_connections = listener.max_connections;
  options.socket_group = listener.group;
  options.socket_mode = listener.mode;
  return options;
}

RequestProblem no_such_path() {
  return {ProblemName::not_found, "There is nothing at this path."};
}

RequestProblem method_problem(std::string allowed) {
  RequestProblem problem{ProblemName::method_not_allowed, "This path takes " + allowed + " alone."};
  problem.fields.emplace_back("Allow", std::move(allowed));
  return problem;
}

RequestProblem no_such_submission() {
  return {ProblemName::not_found, "There is no submission of that id."};
}

HttpResponse description() {
  HttpResponse response;
  response.fields = {{"Content-Type", description_content_type}};
  response.body = intake_description();
  return response;
}

// What a request is for.
struct Target {
  enum class Kind { submissions, submission, report, report_history, token, description, nothing } kind = Kind::nothing;
  std::optional<SubmissionId> id{};
};

Target target_of(std::string_view path) {
  if (path == collection_path) return {Target::Kind::submissions};
  if (is_report_path(path)) return {Target::Kind::report};
  if (path == token_path) return {Target::Kind::token};
  if (path == description_path) return {Target::Kind::description};
  if (const auto id = report_id_in_history_path(path)) return {Target::Kind::report_history, id};
  if (!path.starts_with(collection_path) || path.size() <= collection_path.size() + 1 ||
      path[collection_path.size()] != '/') {
    return {};
  }
  const auto id = Uuid::parse(path.substr(collection_path.size() + 1));
  return id ? Target{Target::Kind::submission, id} : Target{};
}

}  // namespace

// What the configuration says of the listener.
struct HttpIntake::State {
  State(const HttpListenerSettings& listener, Receiver& receiver, Journal& journal_,
        std::shared_ptr<AccessTokens> issued_, std::shared_ptr<ClientAssertions> assertions_)
      : gate(listener.listen, listener.allowed_hosts),
        access(listener, issued_),
        client(listener.client),
        reportstream_status(listener.reportstream_status),
        rates(listener.rate ? std::make_shared<ClientRates>(*listener.rate, system_clock()) : nullptr),
        issued(std::move(issued_)),
        assertions(std::move(assertions_)),
        requests({Intake::http, listener.client}, receiver, journal_),
        journal(journal_) {}

  // Keeps itself while the request is under way.
  static asio::awaitable<HttpResponse> handle(std::shared_ptr<State> self, std::uint16_t port,
                                              const HttpRequestHead& head, HttpBody& body);
  Result<Caller, RequestProblem> check(const Target& target, std::uint16_t port, const HttpRequestHead& head) const;
  asio::awaitable<HttpResponse> answer(const Target& target, const HttpRequestHead& head, HttpBody& body,
                                       const Caller& caller);
  HttpResponse show(const Target& target, const HttpRequestHead& head, const Caller& caller);
  SubmissionDoor door(const Caller& caller) const { return {Intake::http, client, false, caller.client, rates}; }

  const HttpGate gate;
  const ListenerAccess access;
  const std::optional<std::string> client;
  const unsigned reportstream_status;
  const std::shared_ptr<ClientRates> rates;
  const std::shared_ptr<AccessTokens> issued;
  const std::shared_ptr<ClientAssertions> assertions;
  SubmissionRequests requests;
  Journal& journal;
};

struct HttpIntake::Listener {
  Listener(const HttpListenerSettings& settings, Receiver& receiver_, Journal& journal_)
      : receiver(receiver_),
        journal(journal_),
        certificates(settings.tls, settings.listen),
        state_now(make_state(settings)) {}

  std::shared_ptr<State> state() const {
    const std::lock_guard lock(mutex);
    return state_now;
  }
  void change(const HttpListenerSettings& settings) {
    auto made = make_state(settings);
    const std::lock_guard lock(mutex);
    std::erase_if(earlier, [](const auto& one) { return one.expired(); });
    earlier.push_back(state_now);
    state_now.swap(made);
  }
  // Requests under way may be an earlier configuration's.
  void answer_those_who_wait() {
    const std::lock_guard lock(mutex);
    state_now->requests.stop();
    for (const auto& one : earlier) {
      if (const auto state = one.lock()) state->requests.stop();
    }
  }

  Receiver& receiver;
  Journal& journal;
  ListenerCertificates certificates;
  std::unique_ptr<HttpServer> server;

 private:
  std::shared_ptr<State> make_state(const HttpListenerSettings& settings) {
    assertions->change(settings.public_keys);
    std::vector<std::string> with_keys;
    for (const SenderKey& key : settings.public_keys) with_keys.push_back(key.client);
    issued->keep_only(with_keys);
    return std::make_shared<State>(settings, receiver, journal, issued, assertions);
  }

  // What senders were given stays good when the configuration changes.
  const std::shared_ptr<AccessTokens> issued = std::make_shared<AccessTokens>(system_clock());
  const std::shared_ptr<ClientAssertions> assertions = std::make_shared<ClientAssertions>(system_clock());
  mutable std::mutex mutex;
  std::shared_ptr<State> state_now;
  std::vector<std::weak_ptr<State>> earlier;
};

// Host and Origin, then credentials.
Result<Caller, RequestProblem> HttpIntake::State::check(const Target& target, std::uint16_t port,
                                                        const HttpRequestHead& head) const {
  if (auto problem = gate.check(head, port)) return Failure{std::move(*problem)};
  if (target.kind == Target::Kind::token) return access.check_connection(head.peer);
  const bool of_reportstream = target.kind == Target::Kind::report || target.kind == Target::Kind::report_history;
  return access.check(head, of_reportstream);
}

// The contract's order: Host and Origin, credentials, path, method; the rest is the submission's.
asio::awaitable<HttpResponse> HttpIntake::State::handle(std::shared_ptr<State> self, std::uint16_t port,
                                                        const HttpRequestHead& head, HttpBody& body) {
  const Target target = target_of(head.path);
  const auto caller = self->check(target, port, head);
  if (!caller) co_return self->requests.refuse(caller.error());
  co_return co_await self->answer(target, head, body, *caller);
}

asio::awaitable<HttpResponse> HttpIntake::State::answer(const Target& target, const HttpRequestHead& head,
                                                        HttpBody& body, const Caller& caller) {
  using Kind = Target::Kind;
  if (target.kind == Kind::nothing) co_return requests.refuse(no_such_path());
  const bool posted = target.kind == Kind::submissions || target.kind == Kind::report || target.kind == Kind::token;
  if (posted && head.method != "POST") co_return requests.refuse(method_problem("POST"));
  if (!posted && head.method != "GET" && head.method != "HEAD") {
    co_return requests.refuse(method_problem("GET, HEAD"));
  }
  if (target.kind == Kind::description) co_return description();
  if (!posted) co_return show(target, head, caller);
  if (target.kind == Kind::token) co_return co_await post_token(head, body, *assertions, *issued, journal);
  const SubmissionDoor through = door(caller);
  if (target.kind == Kind::submissions) co_return co_await requests.post(head, body, through);
  co_return co_await post_report(requests, head, body, through, reportstream_status);
}

// Where the listener knows who asks, another client's submission isn't there.
HttpResponse HttpIntake::State::show(const Target& target, const HttpRequestHead& head, const Caller& caller) {
  const auto found = journal.find(*target.id, false);
  if (!found) {
    return problem_response(
        {ProblemName::journal_failing, "The journal can't be read now; try again later.", std::chrono::seconds(30)});
  }
  if (!*found) return problem_response(no_such_submission());
  const SubmissionView& view = (*found)->view;
  if (caller.authenticated) {
    // A token that names nobody may speak for everybody, and for whom it says.
    const auto named = client_of(head);
    const auto reader = caller.client ? caller.client : named ? *named : std::nullopt;
    if (reader && *reader != view.submission.client) return problem_response(no_such_submission());
  }
  if (target.kind == Target::Kind::report_history) {
    return report_history(view, caller.authenticated, reportstream_status);
  }
  SubmissionJsonOptions options;
  options.payload_name = caller.authenticated;
  options.remote_text = caller.authenticated;
  return json_text_response(200, submission_json(view, options));
}

HttpIntake::HttpIntake(ServingContext context, const HttpListenerSettings& listener, const IntakeSettings& intake,
                       Receiver& receiver, Journal& journal)
    : listener_(std::make_shared<Listener>(listener, receiver, journal)) {
  HttpServerOptions options = server_options(listener, intake);
  options.tls = listener_->certificates.context();
  // The server's callbacks must not keep what owns the server.
  const std::weak_ptr<Listener> weak = listener_;
  listener_->server = std::make_unique<HttpServer>(
      context, std::move(options),
      [weak](const HttpRequestHead& head, HttpBody& body) -> asio::awaitable<HttpResponse> {
        if (const auto of = weak.lock()) return State::handle(of->state(), of->server->port(), head, body);
        throw std::logic_error("a request came in after its listener was gone");
      },
      [weak](HttpFramingProblem problem) {
        const auto of = weak.lock();
        return of ? of->state()->requests.refuse(framing_problem(problem)) : problem_response(framing_problem(problem));
      });
}

HttpIntake::~HttpIntake() = default;

Result<void> HttpIntake::start() {
  if (auto usable = listener_->certificates.usable(); !usable) return usable;
  return listener_->server->start();
}

std::uint16_t HttpIntake::port() const {
  return listener_->server->port();
}

void HttpIntake::change(const HttpListenerSettings& listener, const IntakeSettings& intake) {
  listener_->change(listener);
  HttpServerOptions options = server_options(listener, intake);
  listener_->certificates.change(listener.tls);
  options.tls = listener_->certificates.context();
  listener_->server->change(std::move(options));
}

void HttpIntake::stop(std::function<void()> drained) {
  listener_->server->stop(std::move(drained));
  listener_->answer_those_who_wait();
}

void HttpIntake::close_all() {
  listener_->answer_those_who_wait();
  listener_->server->close_all();
}

}  // namespace relay
