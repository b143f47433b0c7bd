// Puts a load on one server and says how it went, as one line of JSON.
//
//   load PROTOCOL PORT [--connections 1] [--in-flight 1] [--rate 0] [--bytes 2000] [--warm-up-ms 0]
//        [--measured-ms 1000] [--target /v1/submissions] [--clients 0]
#include <CLI/CLI.hpp>
#include <iostream>

#include "bench/load_loop.hpp"

namespace {

double percentile_milliseconds(const std::vector<std::uint32_t>& ascending, double part) {
  if (ascending.empty()) return 0;
  const auto at = static_cast<std::size_t>(static_cast<double>(ascending.size() - 1) * part);
  return ascending[at] / 1000.0;
}

}  // namespace

int main(int argc, char** argv) {
  relay::bench::LoadOptions options;
  std::string protocol;
  std::string target = "/v1/submissions";
  std::size_t bytes = 2000;
  unsigned clients = 0;
  long warm_up = 0;
  long measured = 1000;
  CLI::App app("Puts a load on one server.");
  app.add_option("protocol", protocol, "http, redis, postgresql or rabbitmq")->required();
  app.add_option("port", options.port)->required();
  app.add_option("--connections", options.connections)->check(CLI::PositiveNumber);
  app.add_option("--in-flight", options.in_flight, "of each connection")->check(CLI::PositiveNumber);
  app.add_option("--rate", options.rate, "writes a second; 0: as fast as answers come");
  app.add_option("--bytes", bytes, "of each payload");
  app.add_option("--warm-up-ms", warm_up);
  app.add_option("--measured-ms", measured);
  app.add_option("--target", target, "what http POSTs to");
  app.add_option("--clients", clients, "http: so many names in turn, one a connection; 0: none is named");
  CLI11_PARSE(app, argc, argv);
  options.warm_up = std::chrono::milliseconds(warm_up);
  options.measured = std::chrono::milliseconds(measured);
  try {
    const auto result = relay::bench::run_load(options, [&, connection = 0U]() mutable {
      const std::string client = clients > 0 ? "lab.sender-" + std::to_string(connection++ % clients) : "";
      return relay::bench::make_protocol(protocol, bytes, target, client);
    });
    std::cout << "{\"answered\":" << result.answered << ",\"measured\":" << result.measured
              << ",\"per_second\":" << static_cast<double>(result.measured) / result.wall.count()
              << ",\"p50_ms\":" << percentile_milliseconds(result.microseconds, 0.5)
              << ",\"p99_ms\":" << percentile_milliseconds(result.microseconds, 0.99)
              << ",\"max_ms\":" << percentile_milliseconds(result.microseconds, 1)
              << ",\"own_cpu_seconds\":" << result.own_cpu.count() << "}\n";
  } catch (const std::exception& error) {
    std::cerr << "load: " << error.what() << '\n';
    return 1;
  }
}
