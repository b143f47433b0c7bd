// A connection that sends exactly the bytes it is told to, so that a test can say what a well-behaved client never
// would. Every wait is bounded: a server that doesn't answer fails the test instead of hanging it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.hpp"

namespace relay::test {

struct RawResponse {
  int status = 0;
  std::map<std::string, std::string> fields;  // names in lower case
  std::string body;
  std::string field(const std::string& lower_case_name) const {
    const auto found = fields.find(lower_case_name);
    return found == fields.end() ? std::string() : found->second;
  }
};

class RawHttpClient {
 public:
  // Both throw std::runtime_error where nobody listens.
  static RawHttpClient to_port(std::uint16_t port);
  static RawHttpClient to_socket(const std::string& path);

  // False where the other side has closed.
  bool send(std::string_view bytes);
  void end_sending();
  // The next answer but "100 Continue".
  // `without_body`: the answer to a HEAD. Nothing where the connection ended first.
  std::optional<RawResponse> read_response(bool without_body = false);
  // Nothing more comes: the other side has closed (a reset counts too).
  bool at_end();
  // "HTTP/1.1 100 Continue" alone.
  bool read_continue();

  // Reads nothing, and waits that long at most: has the other side cut the connection?
  bool cut_within(std::chrono::milliseconds patience);

  // One whole exchange.
  std::optional<RawResponse> exchange(std::string_view request) {
    send(request);
    return read_response();
  }

 private:
  explicit RawHttpClient(FileDescriptor socket) : socket_(std::move(socket)) {}
  bool receive();

  FileDescriptor socket_;
  std::string buffer_;
};

// POST /v1/submissions as most tests send it; `headers` are whole lines with CRLF.
std::string post_request(std::string_view payload, std::string_view headers = {});

}  // namespace relay::test
