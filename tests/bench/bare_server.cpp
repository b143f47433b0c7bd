// The same HTTP server as the intake's with nothing behind it, or with a bare log: what the relay takes beyond the
// first is what durability costs, beyond the second what a journal costs. It is the other side of drain benchmarks,
// too: a destination that takes everything at once.
//
//   bare_server PORT            answers as soon as a body has come; serves until SIGTERM or SIGINT
//   bare_server PORT FILE       answers once the body is in that log, durably
//
// What it answers goes by the path: as Azure Storage does under /azure/ (blob, table row and queue message), as
// ReportStream does under /api/, as S3 does under /s3-objects/, 202 with a body as long as a submission's JSON
// everywhere else.
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <charconv>
#include <cstring>
#include <iostream>
#include <optional>

#include "base/await_callback.hpp"
#include "base/http_server.hpp"
#include "bench/bare_log.hpp"

namespace {

relay::HttpResponse answer_of(unsigned status, std::string content_type, std::string body) {
  return {.status = status, .fields = {{"Content-Type", std::move(content_type)}}, .body = std::move(body)};
}

relay::HttpResponse answer_to(const relay::HttpRequestHead& head) {
  if (head.path.starts_with("/azure/")) {
    if (head.method == "PUT") return {.status = 201, .fields = {}, .body = {}};
    if (!head.path.ends_with("/messages")) return {.status = 204, .fields = {}, .body = {}};
    return answer_of(
        201, "application/xml",
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><QueueMessagesList><QueueMessage>"
        "<MessageId>5974b586-0df3-4e2d-ad0c-18e3892bfca2</MessageId>"
        "<InsertionTime>Tue, 24 Nov 2026 18:00:00 GMT</InsertionTime>"
        "<ExpirationTime>Fri, 31 Dec 9999 23:59:59 GMT</ExpirationTime><PopReceipt>AgAAAAEAAAAAAAAA</PopReceipt>"
        "<TimeNextVisible>Tue, 24 Nov 2026 18:00:00 GMT</TimeNextVisible></QueueMessage></QueueMessagesList>");
  }
  if (head.path.starts_with("/api/"))
    return answer_of(201, "application/json",
                     R"({"id":"5974b586-0df3-4e2d-ad0c-18e3892bfca2","submissionId":1,"overallStatus":"Received"})");
  if (head.path.starts_with("/s3-objects/"))
    return {.status = 200, .fields = {{"ETag", "\"9b2cf535f27731c974343645a3985328\""}}, .body = {}};
  return answer_of(202, "application/json", std::string(520, 'x'));
}

boost::asio::awaitable<relay::HttpResponse> take(relay::bench::BareLog* log, const relay::HttpRequestHead& head,
                                                 relay::HttpBody& body) {
  std::string record;
  for (;;) {
    const auto bytes = co_await body.read();
    if (!bytes) co_return relay::HttpResponse{.status = 400, .fields = {}, .body = {}, .close = true};
    if (bytes->empty()) break;
    if (log != nullptr) record.append(*bytes);
  }
  if (log != nullptr) {
    std::string* const taken = &record;
    const auto start = [log, taken](const std::function<void(bool)>& kept) {
      log->append(std::move(*taken), [kept] { kept(true); });
    };
    co_await relay::await_callback<bool>(start);
  }
  co_return answer_to(head);
}

}  // namespace

int main(int argc, char** argv) {
  std::uint16_t port = 0;
  if (argc < 2 || argc > 3 || std::from_chars(argv[1], argv[1] + std::strlen(argv[1]), port).ec != std::errc{}) {
    std::cerr << "usage: bare_server PORT [FILE]\n";
    return 2;
  }
  std::optional<relay::bench::BareLog> log;
  if (argc == 3) log.emplace(argv[2]);
  boost::asio::io_context context;
  relay::HttpServerOptions options;
  options.listen = {"127.0.0.1", port, ""};
  relay::HttpServer server(
      context, options,
      [log_behind = log ? &*log : nullptr](const relay::HttpRequestHead& head, relay::HttpBody& body) {
        return take(log_behind, head, body);
      },
      [](relay::HttpFramingProblem) {
        return relay::HttpResponse{.status = 400, .fields = {}, .body = {}, .close = true};
      });
  if (const auto started = server.start(); !started) {
    std::cerr << started.error().message << '\n';
    return 1;
  }
  boost::asio::signal_set signals(context, SIGTERM, SIGINT);
  signals.async_wait([&](const boost::system::error_code&, int) { context.stop(); });
  context.run();
}
