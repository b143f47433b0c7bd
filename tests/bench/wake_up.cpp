// How long a relay that has nothing to do takes from an accepted submission to its destination: submits one, waits
// until it comes out at the other end, lets all become quiet, and again.
//
//   wake_up RELAY_PORT LISTEN_PORT [--count 100] [--quiet-ms 50]
//
// It is the destination itself, on LISTEN_PORT: ReportStream's API as far as a delivery needs it. Prints, as JSON, the
// median and 99th percentile from the 202 (0 where the request came before it) and from before the POST, in
// milliseconds.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <thread>

#include "support/fault_http_server.hpp"
#include "support/raw_http_client.hpp"

namespace {

using Time = std::chrono::steady_clock::time_point;

// When the last request came.
class Arrival {
 public:
  void note() {
    const std::lock_guard lock(mutex_);
    at_ = std::chrono::steady_clock::now();
    changed_.notify_all();
  }
  Time await() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::minutes(1), [this] { return at_.has_value(); }))
      throw std::runtime_error("nothing came out of the relay for a minute");
    return *std::exchange(at_, std::nullopt);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Time> at_;
};

double percentile(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(static_cast<double>(values.size() - 1) * part)];
}

double milliseconds(Time::duration duration) {
  return std::max(0.0, std::chrono::duration<double, std::milli>(duration).count());
}

}  // namespace

int main(int argc, char** argv) {
  std::uint16_t relay_port = 0;
  std::uint16_t listen_port = 0;
  unsigned count = 100;
  long quiet = 50;
  CLI::App app("From an accepted submission to its destination, on a relay that is idle.");
  app.add_option("relay_port", relay_port)->required();
  app.add_option("listen_port", listen_port)->required();
  app.add_option("--count", count)->check(CLI::PositiveNumber);
  app.add_option("--quiet-ms", quiet);
  CLI11_PARSE(app, argc, argv);
  try {
    Arrival arrival;
    relay::FaultHttpServer destination(
        [&](const relay::SeenRequest&) {
          arrival.note();
          relay::FaultAnswer answer;
          answer.status = 201;
          answer.headers = {{"Content-Type", "application/json"}};
          answer.body = R"({"id":"5974b586-0df3-4e2d-ad0c-18e3892bfca2","submissionId":1,"overallStatus":"Received"})";
          return answer;
        },
        listen_port);
    auto sender = relay::test::RawHttpClient::to_port(relay_port);
    std::vector<double> from_answer;
    std::vector<double> from_post;
    for (unsigned i = 0; i < count; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(quiet));
      const auto posted = std::chrono::steady_clock::now();
      const std::string payload = "MSH|^~\\&|A|B|C|D|20261124||ORU^R01|" + std::to_string(i) + "|T|2.5.1\r";
      const auto answer = sender.exchange(relay::test::post_request(payload, "Content-Type: application/hl7-v2\r\n"));
      const auto answered = std::chrono::steady_clock::now();
      if (!answer || answer->status != 202) throw std::runtime_error("the relay didn't take a submission");
      const auto arrived = arrival.await();
      from_answer.push_back(milliseconds(arrived - answered));
      from_post.push_back(milliseconds(arrived - posted));
    }
    std::cout << "{\"p50_ms\":" << percentile(from_answer, 0.5) << ",\"p99_ms\":" << percentile(from_answer, 0.99)
              << ",\"from_post_p50_ms\":" << percentile(from_post, 0.5) << "}\n";
  } catch (const std::exception& error) {
    std::cerr << "wake_up: " << error.what() << '\n';
    return 1;
  }
}
