#include "intake/http_intake.hpp"

#include <boost/asio/awaitable.hpp>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

#include "intake/http_answer.hpp"
#include "intake/http_gate.hpp"
#include "intake/intake_description.hpp"
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

HttpResponse description() {
  HttpResponse response;
  response.fields = {{"Content-Type", description_content_type}};
  response.body = intake_description();
  return response;
}

}  // namespace

// What the configuration says of the listener.
struct HttpIntake::State {
  State(const HttpListenerSettings& listener, Receiver& receiver, Journal& journal_)
      : gate(listener.listen, listener.allowed_hosts),
        requests({Intake::http, listener.client, false}, receiver, journal_),
        journal(journal_) {}

  // Keeps itself while the request is under way.
  static asio::awaitable<HttpResponse> handle(std::shared_ptr<State> self, std::uint16_t port,
                                              const HttpRequestHead& head, HttpBody& body);
  HttpResponse status_of(std::string_view id_text);

  const HttpGate gate;
  SubmissionRequests requests;
  Journal& journal;
};

struct HttpIntake::Listener {
  Listener(const HttpListenerSettings& settings, Receiver& receiver_, Journal& journal_)
      : receiver(receiver_), journal(journal_), state_now(std::make_shared<State>(settings, receiver_, journal_)) {}

  std::shared_ptr<State> state() const {
    const std::lock_guard lock(mutex);
    return state_now;
  }
  void change(const HttpListenerSettings& settings) {
    auto made = std::make_shared<State>(settings, receiver, journal);
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
  std::unique_ptr<HttpServer> server;

 private:
  mutable std::mutex mutex;
  std::shared_ptr<State> state_now;
  std::vector<std::weak_ptr<State>> earlier;
};

// The contract's order: Host and Origin, path, method; the rest is the submission's.
asio::awaitable<HttpResponse> HttpIntake::State::handle(std::shared_ptr<State> self, std::uint16_t port,
                                                        const HttpRequestHead& head, HttpBody& body) {
  const bool post = head.method == "POST";
  if (auto problem = self->gate.check(head, port)) co_return self->requests.refuse(*problem);
  if (head.path == collection_path) {
    if (!post) co_return self->requests.refuse(method_problem("POST"));
    co_return co_await self->requests.post(head, body);
  }
  if (head.path == description_path) {
    if (head.method != "GET" && head.method != "HEAD") co_return self->requests.refuse(method_problem("GET, HEAD"));
    co_return description();
  }
  const std::string_view path = head.path;
  if (!path.starts_with(collection_path) || path.size() <= collection_path.size() + 1 ||
      path[collection_path.size()] != '/') {
    co_return self->requests.refuse(no_such_path());
  }
  const std::string_view id_text = path.substr(collection_path.size() + 1);
  if (!Uuid::parse(id_text)) co_return self->requests.refuse(no_such_path());
  if (head.method != "GET" && head.method != "HEAD") co_return self->requests.refuse(method_problem("GET, HEAD"));
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
    : listener_(std::make_shared<Listener>(listener, receiver, journal)) {
  // The server's callbacks must not keep what owns the server.
  const std::weak_ptr<Listener> weak = listener_;
  listener_->server = std::make_unique<HttpServer>(
      context, server_options(listener, intake),
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
  return listener_->server->start();
}

std::uint16_t HttpIntake::port() const {
  return listener_->server->port();
}

void HttpIntake::change(const HttpListenerSettings& listener, const IntakeSettings& intake) {
  listener_->change(listener);
  listener_->server->change(server_options(listener, intake));
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
