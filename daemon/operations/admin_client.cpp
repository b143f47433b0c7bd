#include "operations/admin_client.hpp"

#include <cerrno>

#include <fmt/format.h>

#include "base/file.hpp"
#include "operations/json_reading.hpp"
#include "operations/unix_socket.hpp"
#include "settings/load.hpp"

namespace relay {
namespace {

constexpr std::chrono::milliseconds answer_timeout{120'000};
constexpr std::chrono::milliseconds long_work_timeout{std::chrono::hours(24)};

HttpClientOptions options_for(const std::filesystem::path& socket) {
  HttpClientOptions options;
  options.user_agent = "edge-relay/" RELAY_VERSION;
  options.unix_socket = socket.native();
  options.max_connections = 1;
  return options;
}

// Why nobody can be asked at that socket, and the way out.
std::string explain(const std::filesystem::path& socket, int error) {
  if (error == ENOENT || error == ENOTDIR) {
    return fmt::format(
        "the daemon isn't running: there is no socket {}. Start it with `systemctl start edge-relay`, or name the "
        "configuration it runs with by --config",
        socket.native());
  }
  if (error == ECONNREFUSED) {
    return fmt::format("the daemon isn't running: nobody answers at {}. Start it with `systemctl start edge-relay`",
                       socket.native());
  }
  if (error == EACCES || error == EPERM) {
    std::string group = group_of(socket);
    if (group.empty()) group = "edge-relay";
    return fmt::format(
        "no permission to use {}: it is for members of the group {}. Run this with sudo, or `usermod -aG {} USER` and "
        "sign in again",
        socket.native(), group, group);
  }
  return fmt::format("can't reach the daemon at {}: {}", socket.native(), error_text(error));
}

}  // namespace

AdminClient::AdminClient(const std::filesystem::path& configuration)
    : socket_(admin_socket_of(configuration)), http_(options_for(socket_)) {}

Result<HttpClientResponse> AdminClient::get(std::string target, ByteCount response_limit) {
  HttpClientRequest request;
  request.url = "http://localhost" + target;
  request.response_limit = response_limit;
  return ask(std::move(request));
}

Result<HttpClientResponse> AdminClient::post(std::string target,
                                             std::vector<std::pair<std::string, std::string>> headers,
                                             std::shared_ptr<HttpBodySource> body, Patience patience) {
  HttpClientRequest request;
  request.method = "POST";
  request.url = "http://localhost" + target;
  request.headers = std::move(headers);
  if (body) request.body = std::move(body);
  return ask(std::move(request), patience);
}

Result<HttpClientResponse> AdminClient::post_json(std::string target, std::string body, Patience patience) {
  HttpClientRequest request;
  request.method = "POST";
  request.url = "http://localhost" + target;
  request.headers = {{"Content-Type", "application/json"}};
  request.body = std::move(body);
  return ask(std::move(request), patience);
}

Result<HttpClientResponse> AdminClient::get_into(std::string target, std::function<bool(std::string_view)> sink) {
  HttpClientRequest request;
  request.url = "http://localhost" + target;
  request.sink = std::move(sink);
  return ask(std::move(request), Patience::long_work);
}

Result<HttpClientResponse> AdminClient::ask(HttpClientRequest request, Patience patience) {
  if (const int error = try_unix_socket(socket_); error != 0) return fail(explain(socket_, error));
  request.timeout = patience == Patience::long_work ? long_work_timeout : answer_timeout;
  http_.start(1, std::move(request));
  std::vector<TransferResult> results;
  while (results.empty()) results = http_.poll(std::chrono::seconds(1));
  if (auto* response = std::get_if<HttpClientResponse>(&results.front().result)) return std::move(*response);
  const auto& error = std::get<TransferError>(results.front().result);
  return fail(fmt::format("no answer from the daemon at {}: {}", socket_.native(), error.message));
}

std::string problem_text(const HttpClientResponse& response) {
  const auto object = parse_json_object(response.body);
  const std::string detail = object ? text_member(*object, "detail") : "";
  const std::string title = object ? text_member(*object, "title") : "";
  if (!detail.empty()) return fmt::format("{} ({})", detail, response.status);
  if (!title.empty()) return fmt::format("{} ({})", title, response.status);
  return fmt::format("the daemon answered with status {}", response.status);
}

std::string percent_encoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool unreserved = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                            c == '.' || c == '_' || c == '~';
    if (unreserved) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", byte);
    }
  }
  return encoded;
}

}  // namespace relay
