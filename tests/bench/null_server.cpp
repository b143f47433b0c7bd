// The same HTTP server as the intake's, with nothing behind it: reads each body to its end and answers 202. What it
// takes beyond the relay is what a durable journal costs (tests/bench/accepts compares the two).
//
//   null_server PORT            serves until SIGTERM or SIGINT
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <charconv>
#include <cstring>
#include <iostream>

#include "base/http_server.hpp"

namespace {

boost::asio::awaitable<relay::HttpResponse> take(const relay::HttpRequestHead&, relay::HttpBody& body) {
  for (;;) {
    const auto bytes = co_await body.read();
    if (!bytes) co_return relay::HttpResponse{.status = 400, .fields = {}, .body = {}, .close = true};
    if (bytes->empty()) break;
  }
  // About as long as a submission's JSON, so that the answers cost the same on the wire.
  co_return relay::HttpResponse{
      .status = 202, .fields = {{"Content-Type", "application/json"}}, .body = std::string(520, 'x')};
}

}  // namespace

int main(int argc, char** argv) {
  std::uint16_t port = 0;
  if (argc != 2 || std::from_chars(argv[1], argv[1] + std::strlen(argv[1]), port).ec != std::errc{}) {
    std::cerr << "usage: null_server PORT\n";
    return 2;
  }
  boost::asio::io_context context;
  relay::HttpServerOptions options;
  options.listen = {"127.0.0.1", port, ""};
  relay::HttpServer server(context, options, take, [](relay::HttpFramingProblem) {
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
