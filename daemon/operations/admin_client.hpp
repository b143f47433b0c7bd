// The commands' side of the operator socket.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/http_client.hpp"
#include "base/result.hpp"

namespace relay {

enum class Patience {
  ordinary,   // two minutes
  long_work,  // what goes through all of a backlog: a day
};

class AdminClient {
 public:
  // Reads only `admin.socket` of the configuration, and takes the default where the file can't be read.
  explicit AdminClient(const std::filesystem::path& configuration);

  // The answer, whatever its status. Error: the daemon can't be asked, and what the reader can do about it.
  Result<HttpClientResponse> get(std::string target, ByteCount response_limit = mebibytes(64));
  // `body` may be nullptr: an empty one.
  Result<HttpClientResponse> post(std::string target, std::vector<std::pair<std::string, std::string>> headers,
                                  std::shared_ptr<HttpBodySource> body, Patience patience = Patience::ordinary);
  Result<HttpClientResponse> post_json(std::string target, std::string body, Patience patience = Patience::ordinary);
  // The body of a 200 goes to `sink` as it comes; what isn't one is in the answer.
  Result<HttpClientResponse> get_into(std::string target, std::function<bool(std::string_view)> sink);

 private:
  Result<HttpClientResponse> ask(HttpClientRequest request, Patience patience = Patience::ordinary);
  const std::filesystem::path socket_;
  HttpClient http_;
};

// The detail of a problem+json answer with its status, or the status alone where it is none.
std::string problem_text(const HttpClientResponse& response);

// A name or value for a query or path: everything but unreserved characters becomes %XX (RFC 3986 section 2.3).
std::string percent_encoded(std::string_view text);

}  // namespace relay
