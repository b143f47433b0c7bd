#include "operations/admin_listener.hpp"

#include <utility>

#include "base/http_text.hpp"
#include "intake/http_answer.hpp"

namespace relay {
namespace {

// Where the answer doesn't say it itself.
void set_field(HttpResponse& response, const char* name, const char* value) {
  for (const HttpField& field : response.fields) {
    if (equal_ignoring_case(field.name, name)) return;
  }
  response.fields.push_back({name, value});
}

}  // namespace

AdminListener::AdminListener(ServingContext context, HttpServerOptions options, std::vector<std::string> allowed_hosts,
                             AdminApi& api)
    : gate_(options.listen, std::move(allowed_hosts)),
      server_(
          context, std::move(options),
          [this, &api](const HttpRequestHead& head, HttpBody& body) -> boost::asio::awaitable<HttpResponse> {
            if (const auto problem = gate_.check(head, server_.port())) co_return problem_response(*problem);
            HttpResponse response = co_await api.handle(head, body);
            // What is shown here is true now, and may hold what no cache should.
            set_field(response, "Cache-Control", "no-store");
            set_field(response, "X-Content-Type-Options", "nosniff");
            co_return response;
          },
          [](HttpFramingProblem problem) { return problem_response(framing_problem(problem)); }) {}

void AdminListener::change(HttpServerOptions options, std::vector<std::string> allowed_hosts) {
  gate_ = HttpGate(options.listen, std::move(allowed_hosts));
  server_.change(std::move(options));
}

}  // namespace relay
