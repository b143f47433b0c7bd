// An HTTP/1.1 server inside the test that answers as it is told, rightly or wrongly: plain sockets, a thread a
// connection. Understands just enough of a request to keep it (headers, Content-Length).
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/test_certificate.hpp"

namespace relay {

struct SeenRequest {
  unsigned connection = 0;  // counted from 1
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string head;                            // as it came
  std::string body;
};

struct FaultAnswer {
  enum class Kind {
    respond,
    close,          // no answer; the connection is closed in good order
    reset,          // no answer; the connection is reset
    hang,           // no answer while the server lives, but all that comes is read
    stall,          // no answer, and no further byte is read
    close_in_body,  // the headers and half of the body, then closed
    garbage,        // bytes that aren't HTTP
    tunnel,         // 200 to CONNECT; then this server plays the other end, too
  } kind = Kind::respond;
  unsigned status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  bool close_after = false;  // "Connection: close" isn't said: the client finds out by itself
};

class FaultHttpServer {
 public:
  using Handler = std::function<FaultAnswer(const SeenRequest&)>;

  // Port 0: a free one. With a certificate every connection speaks TLS (behind a tunnel, where CONNECT came first).
  explicit FaultHttpServer(Handler handler, std::uint16_t port = 0, std::optional<TestCertificate> tls = {});
  ~FaultHttpServer();
  FaultHttpServer(const FaultHttpServer&) = delete;
  FaultHttpServer& operator=(const FaultHttpServer&) = delete;

  std::uint16_t port() const { return port_; }
  std::string url() const;  // http://127.0.0.1:PORT or https://localhost:PORT
  void set_handler(Handler handler);
  // Reads no byte of a request's body any more: the answer is given, or not, before the body is taken.
  void answer_before_body(bool on) { answer_before_body_ = on; }

  std::vector<SeenRequest> requests() const;
  unsigned connections() const;
  // Waits (at most 20 s) until that many requests have come; false where they haven't.
  bool await_requests(std::size_t count) const;
  // Nobody listens and no connection is left; the port stays known, so that start() takes it again.
  void stop();
  void start();

 private:
  struct Connection;
  void accept_loop();
  void serve(Connection& connection);
  bool answer(Connection& connection, SeenRequest request);
  std::optional<SeenRequest> read_request(Connection& connection);

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  Handler handler_;
  std::optional<TestCertificate> tls_;
  std::vector<SeenRequest> requests_;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  std::set<int> open_;  // sockets of live connections
  unsigned connections_ = 0;
  bool stopping_ = false;
  std::atomic<bool> answer_before_body_{false};
  std::thread acceptor_;
  std::vector<std::thread> servers_;
};

}  // namespace relay
