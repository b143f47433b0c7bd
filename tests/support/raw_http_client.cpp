#include "support/raw_http_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "base/http_text.hpp"

namespace relay::test {
namespace {

constexpr timeval longest_answer{20, 0};

FileDescriptor connected(int family, const sockaddr* address, socklen_t length) {
  FileDescriptor socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &longest_answer, sizeof longest_answer);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &longest_answer, sizeof longest_answer);
  if (::connect(socket.get(), address, length) != 0) throw std::runtime_error("can't connect: " + error_text(errno));
  return socket;
}

}  // namespace

RawHttpClient RawHttpClient::to_port(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return RawHttpClient(connected(AF_INET, reinterpret_cast<const sockaddr*>(&address), sizeof address));
}

RawHttpClient RawHttpClient::to_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), std::min(path.size() + 1, sizeof address.sun_path));
  return RawHttpClient(connected(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address));
}

bool RawHttpClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void RawHttpClient::end_sending() {
  ::shutdown(socket_.get(), SHUT_WR);
}

bool RawHttpClient::receive() {
  std::array<char, 16 * 1024> bytes{};
  const ssize_t received = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
  if (received < 0 && errno == EAGAIN) throw std::runtime_error("no answer within 20 seconds");
  if (received <= 0) return false;
  buffer_.append(bytes.data(), static_cast<std::size_t>(received));
  return true;
}

bool RawHttpClient::read_continue() {
  constexpr std::string_view expected = "HTTP/1.1 100 Continue\r\n\r\n";
  while (buffer_.size() < expected.size()) {
    if (!receive()) return false;
  }
  if (!buffer_.starts_with(expected)) return false;
  buffer_.erase(0, expected.size());
  return true;
}

std::optional<RawResponse> RawHttpClient::read_response(bool without_body) {
  std::size_t head_end = 0;
  while ((head_end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!receive()) return std::nullopt;
  }
  RawResponse response;
  std::string_view head = std::string_view(buffer_).substr(0, head_end + 2);
  response.status = std::stoi(std::string(head.substr(head.find(' ') + 1, 3)));
  head.remove_prefix(head.find("\r\n") + 2);
  while (!head.empty()) {
    const std::string_view line = head.substr(0, head.find("\r\n"));
    const std::size_t colon = line.find(':');
    response.fields[to_lower_case(line.substr(0, colon))] = std::string(trimmed(line.substr(colon + 1)));
    head.remove_prefix(line.size() + 2);
  }
  buffer_.erase(0, head_end + 4);
  if (response.status == 100) return read_response(without_body);
  const std::string length = response.field("content-length");
  const std::size_t size = without_body || length.empty() ? 0 : std::stoul(length);
  while (buffer_.size() < size) {
    if (!receive()) return std::nullopt;
  }
  response.body = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return response;
}

bool RawHttpClient::at_end() {
  return buffer_.empty() && !receive();
}

bool RawHttpClient::cut_within(std::chrono::milliseconds patience) {
  pollfd wanted{socket_.get(), POLLRDHUP, 0};
  return ::poll(&wanted, 1, static_cast<int>(patience.count())) > 0;
}

std::string post_request(std::string_view payload, std::string_view headers) {
  std::string request = "POST /v1/submissions HTTP/1.1\r\nHost: localhost\r\n";
  request.append(headers);
  request.append("Content-Length: " + std::to_string(payload.size()) + "\r\n\r\n");
  request.append(payload);
  return request;
}

}  // namespace relay::test
