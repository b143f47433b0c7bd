// HTTP requests to destinations: libcurl's multi interface with kept connections. Used by one thread at a time (its
// lane's); only wake() may be called from another. TLS is verified, redirects are never followed, no .netrc, no
// environment proxies, http and https alone.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/byte_count.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"

namespace relay {

struct HttpClientOptions {
  std::string user_agent;
  std::string ca_file;  // path, or PEM text where it begins -----BEGIN; empty: the system's
  // What is shown to a server that asks who we are: path or PEM text, each; empty: nothing.
  std::string client_certificate;
  std::string client_key;
  std::string proxy;  // http://host:port; empty: none
  Secret proxy_credentials;
  std::vector<std::string> no_proxy;  // host names, .suffixes, addresses, CIDR
  std::size_t max_connections = 16;
  std::chrono::milliseconds connect_timeout{10'000};
  std::string unix_socket;  // path; every request goes there, whatever host its URL names (the operator socket)
};

// A request body that is produced while it is sent. read() gives at least one and at most `limit` bytes from `offset`
// on, in order; it begins at 0 again where a kept connection turned out to be dead. A failure ends the transfer as
// body_failed before the last byte has gone out.
class HttpBodySource {
 public:
  virtual ~HttpBodySource() = default;
  virtual ByteCount size() const = 0;
  virtual Result<std::string> read(std::uint64_t offset, std::size_t limit) = 0;
};

struct HttpClientRequest {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::variant<std::string, std::shared_ptr<HttpBodySource>> body;
  // No progress in sending for that long, or no whole answer that long after the last byte went out, is a time-out: a
  // slow line may take its time over a large body, but not under 16 KiB/s on average.
  std::chrono::milliseconds timeout{60'000};
  ByteCount response_limit = mebibytes(1);  // the rest of a longer body is read and dropped
  // Takes the body of a 200 as it comes, instead of HttpClientResponse::body. False ends the transfer as reset.
  std::function<bool(std::string_view)> sink{};
  bool report_certificate = false;  // for HttpClientResponse::server_certificate
};

struct HttpClientResponse {
  unsigned status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  bool body_truncated = false;
  // PEM, where the request asked for it and a connection under TLS was made for it.
  std::string server_certificate{};
  // The first value of that name (given in lower case); nothing where absent.
  std::optional<std::string_view> header(std::string_view name) const;
};

enum class TransferFailure {
  dns,
  unreachable,  // refused, no route, connect time-out
  tls,          // handshake or certificate
  proxy,        // the proxy refused (407 included) or can't be reached
  timeout,      // connected, but no whole answer in time
  reset,        // connection lost, or an answer that isn't HTTP
  body_failed,  // HttpBodySource::read failed
};

struct TransferError {
  TransferFailure failure = TransferFailure::reset;
  // True when the whole request (headers and body) may have reached the server: only then can the outcome be unknown.
  bool request_sent = false;
  std::string message;  // our words with libcurl's code; no remote text
};

struct TransferResult {
  std::uint64_t transfer = 0;  // as given to start()
  std::variant<HttpClientResponse, TransferError> result;
};

class HttpClient {
 public:
  explicit HttpClient(HttpClientOptions options);
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;

  // `transfer` names the request in its result; one number is in flight once at a time. Never blocks.
  void start(std::uint64_t transfer, HttpClientRequest request);
  // Moves transfers on, waiting up to `timeout` for something to happen. Never throws for a network fault.
  std::vector<TransferResult> poll(std::chrono::milliseconds timeout);
  std::size_t in_flight() const;
  // For the transfers that start from now on.
  void use_proxy_credentials(Secret credentials);
  // Ends every transfer without a result.
  void cancel_all();
  // Thread-safe: ends a poll() that waits.
  void wake();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace relay
