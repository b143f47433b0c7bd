#include "intake/http_intake.hpp"

#include <boost/asio/awaitable.hpp>
#include <stdexcept>
#include <utility>

#include "intake/http_answer.hpp"
#include "intake/http_gate.hpp"
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

HttpResponse not_found() {
  return problem_response({ProblemName::not_found, "There is nothing at this path."});
}

RequestProblem method_problem(std::string allowed) {
  RequestProblem problem{ProblemName::method_not_allowed, "This path takes " + allowed + " alone."};
  problem.fields.emplace_back("Allow", std::move(allowed));
  return problem;
}

}  // namespace

struct HttpIntake::State {
  State(const HttpListenerSettings& listener, Receiver& receiver, Journal& journal_)
      : gate(listener.listen, listener.allowed_hosts),
        requests({Intake::http, listener.client, false}, receiver, journal_),
        journal(journal_) {}

  // Keeps itself while the request is under way.
  static asio::awaitable<HttpResponse> handle(std::shared_ptr<State> self, const HttpRequestHead& head, HttpBody& body);
  HttpResponse status_of(std::string_view id_text);

  const HttpGate gate;
  SubmissionRequests requests;
  Journal& journal;
  std::unique_ptr<HttpServer> server;
};

// The contract's order: Host and Origin, path, method; the rest is the submission's.
asio::awaitable<HttpResponse> HttpIntake::State::handle(std::shared_ptr<State> self, const HttpRequestHead& head,
                                                        HttpBody& body) {
  const bool post = head.method == "POST";
  if (auto problem = self->gate.check(head, self->server->port())) {
    co_return post ? self->requests.refuse(*problem) : problem_response(*problem);
  }
  if (head.path == collection_path) {
    if (!post) co_return problem_response(method_problem("POST"));
    co_return co_await self->requests.post(head, body);
  }
  const std::string_view path = head.path;
  if (!path.starts_with(collection_path) || path.size() <= collection_path.size() + 1 ||
      path[collection_path.size()] != '/') {
    co_return not_found();
  }
  const std::string_view id_text = path.substr(collection_path.size() + 1);
  if (!Uuid::parse(id_text)) co_return not_found();
  if (head.method != "GET" && head.method != "HEAD") co_return problem_response(method_problem("GET, HEAD"));
  co_return self->status_of(id_text);
}

HttpResponse HttpIntake::State::status_of(std::string_view id_text) {
  const auto found = journal.find(*Uuid::parse(id_text), false);
  if (!found) {
    return problem_response(
        {ProblemName::journal_failing, "The journal can't be read now; try again later.", std::chrono::seconds(30)});
  }
  if (!*found) return problem_response({ProblemName::not_found, "There is no submission of that id."});
  return json_response(200, submission_json((*found)->view, {}));
}

HttpIntake::HttpIntake(asio::io_context& context, const HttpListenerSettings& listener, const IntakeSettings& intake,
                       Receiver& receiver, Journal& journal)
    : state_(std::make_shared<State>(listener, receiver, journal)) {
  // The server's callbacks must not keep what owns the server.
  const std::weak_ptr<State> weak = state_;
  state_->server = std::make_unique<HttpServer>(
      context, server_options(listener, intake),
      [weak](const HttpRequestHead& head, HttpBody& body) -> asio::awaitable<HttpResponse> {
        if (auto state = weak.lock()) return State::handle(std::move(state), head, body);
        throw std::logic_error("a request came in after its listener was gone");
      },
      [weak](HttpFramingProblem problem) {
        const auto state = weak.lock();
        return state ? state->requests.refuse(framing_problem(problem)) : problem_response(framing_problem(problem));
      });
}

HttpIntake::~HttpIntake() = default;

Result<void> HttpIntake::start() {
  return state_->server->start();
}

std::uint16_t HttpIntake::port() const {
  return state_->server->port();
}

void HttpIntake::stop(std::function<void()> drained) {
  state_->server->stop(std::move(drained));
  state_->requests.stop();
}

void HttpIntake::close_all() {
  state_->requests.stop();
  state_->server->close_all();
}

}  // namespace relay
