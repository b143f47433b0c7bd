#include "support/hl7_receiver.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace relay {

const std::string Hl7Receiver::hang_up = "(hang up)";

std::string mllp_framed(const std::string& text) {
  return "\x0b" + text + "\x1c\r";
}

std::string acknowledged(const std::string& code, const std::string& control_id, const std::string& error) {
  return mllp_framed("MSH|^~\\&|STATE||LAB||20261124180000||ACK|A1|P|2.5.1\rMSA|" + code + "|" + control_id + "\r" +
                     (error.empty() ? "" : error + "\r"));
}

Hl7Receiver::Hl7Receiver(Handler handler) : handler_(std::move(handler)) {
  start();
}

Hl7Receiver::~Hl7Receiver() {
  stop();
}

void Hl7Receiver::set_handler(Handler handler) {
  const std::lock_guard lock(mutex_);
  handler_ = std::move(handler);
}

std::vector<std::string> Hl7Receiver::messages() const {
  const std::lock_guard lock(mutex_);
  return messages_;
}

unsigned Hl7Receiver::connections() const {
  const std::lock_guard lock(mutex_);
  return connections_;
}

void Hl7Receiver::start() {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port_);
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(listener_, 64) != 0)
    throw std::system_error(errno, std::generic_category(), "HL7 receiver");
  socklen_t length = sizeof address;
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_loop(); });
}

void Hl7Receiver::cut_connections() {
  const std::lock_guard lock(mutex_);
  for (const int socket : open_) ::shutdown(socket, SHUT_RDWR);
}

void Hl7Receiver::stop() {
  if (listener_ < 0) return;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  listener_ = -1;
  cut_connections();
  for (std::thread& server : servers_) server.join();
  servers_.clear();
}

void Hl7Receiver::accept_loop() {
  for (;;) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    const std::lock_guard lock(mutex_);
    open_.insert(socket);
    servers_.emplace_back([this, socket, number = ++connections_] { serve(socket, number); });
  }
}

void Hl7Receiver::serve(int socket, unsigned number) {
  std::string unread;
  char buffer[65536];
  for (bool going_on = true; going_on;) {
    const auto got = ::recv(socket, buffer, sizeof buffer, 0);
    if (got <= 0) break;
    unread.append(buffer, static_cast<std::size_t>(got));
    for (auto end = unread.find("\x1c\r"); going_on && end != std::string::npos; end = unread.find("\x1c\r")) {
      const std::string message = unread.substr(1, end - 1);
      unread.erase(0, end + 2);
      going_on = answer(socket, message, number);
    }
  }
  const std::lock_guard lock(mutex_);
  open_.erase(socket);
  ::close(socket);
}

bool Hl7Receiver::answer(int socket, const std::string& message, unsigned number) {
  std::optional<std::string> text;
  {
    const std::lock_guard lock(mutex_);
    messages_.push_back(message);
    text = handler_(message, number);
  }
  if (!text) return true;
  return *text != hang_up && ::send(socket, text->data(), text->size(), MSG_NOSIGNAL) > 0;
}

}  // namespace relay
