#include "support/fault_http_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <system_error>

namespace relay {
namespace {

struct SslContextDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct SslDeleter {
  void operator()(SSL* session) const { SSL_free(session); }
};

std::unique_ptr<SSL_CTX, SslContextDeleter> server_context(const TestCertificate& pair) {
  std::unique_ptr<SSL_CTX, SslContextDeleter> context(SSL_CTX_new(TLS_server_method()));
  const auto pem = [](const std::string& text) { return BIO_new_mem_buf(text.data(), static_cast<int>(text.size())); };
  BIO* certificate_text = pem(pair.certificate_pem);
  BIO* key_text = pem(pair.key_pem);
  X509* certificate = PEM_read_bio_X509(certificate_text, nullptr, nullptr, nullptr);
  EVP_PKEY* key = PEM_read_bio_PrivateKey(key_text, nullptr, nullptr, nullptr);
  const bool ok =
      SSL_CTX_use_certificate(context.get(), certificate) == 1 && SSL_CTX_use_PrivateKey(context.get(), key) == 1;
  X509_free(certificate);
  EVP_PKEY_free(key);
  BIO_free(certificate_text);
  BIO_free(key_text);
  if (!ok) throw std::runtime_error("the test certificate can't be used");
  return context;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

void parse_head(SeenRequest& request) {
  const std::string& head = request.head;
  const auto line_end = head.find("\r\n");
  const auto first = head.find(' ');
  const auto second = head.find(' ', first + 1);
  request.method = head.substr(0, first);
  request.target = head.substr(first + 1, second - first - 1);
  for (auto at = line_end + 2; at < head.size();) {
    const auto end = std::min(head.find("\r\n", at), head.size());
    const auto colon = head.find(':', at);
    if (colon < end) {
      const auto value = head.find_first_not_of(' ', colon + 1);
      request.headers[lower(head.substr(at, colon - at))] = value < end ? head.substr(value, end - value) : "";
    }
    at = end + 2;
  }
}

}  // namespace

struct FaultHttpServer::Connection {
  int socket = -1;
  unsigned number = 0;
  std::unique_ptr<SSL_CTX, SslContextDeleter> context;
  std::unique_ptr<SSL, SslDeleter> tls;
  std::string unread;

  bool receive() {
    char buffer[65536];
    const long got = tls ? SSL_read(tls.get(), buffer, sizeof buffer) : ::recv(socket, buffer, sizeof buffer, 0);
    if (got <= 0) return false;
    unread.append(buffer, static_cast<std::size_t>(got));
    return true;
  }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const long sent = tls ? SSL_write(tls.get(), bytes.data(), static_cast<int>(bytes.size()))
                            : ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  bool begin_tls(const TestCertificate& pair) {
    context = server_context(pair);
    tls.reset(SSL_new(context.get()));
    SSL_set_fd(tls.get(), socket);
    return SSL_accept(tls.get()) == 1;
  }
  void reset() const {
    const linger at_once{1, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
};

FaultHttpServer::FaultHttpServer(Handler handler, std::uint16_t port, std::optional<TestCertificate> tls)
    : handler_(std::move(handler)), tls_(std::move(tls)), port_(port) {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to sockets that the client has left
  start();
}

FaultHttpServer::~FaultHttpServer() {
  stop();
}

std::string FaultHttpServer::url() const {
  return (tls_ ? "https://localhost:" : "http://127.0.0.1:") + std::to_string(port_);
}

void FaultHttpServer::set_handler(Handler handler) {
  const std::lock_guard lock(mutex_);
  handler_ = std::move(handler);
}

std::vector<SeenRequest> FaultHttpServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

unsigned FaultHttpServer::connections() const {
  const std::lock_guard lock(mutex_);
  return connections_;
}

bool FaultHttpServer::await_requests(std::size_t count) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return requests_.size() >= count; });
}

void FaultHttpServer::start() {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port_);
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(listener_, 64) != 0)
    throw std::system_error(errno, std::generic_category(), "fault server");
  socklen_t length = sizeof address;
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
  port_ = ntohs(address.sin_port);
  stopping_ = false;
  acceptor_ = std::thread([this] { accept_loop(); });
}

void FaultHttpServer::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (listener_ < 0) return;
    stopping_ = true;
    changed_.notify_all();
    ::shutdown(listener_, SHUT_RDWR);
    for (const int socket : open_) ::shutdown(socket, SHUT_RDWR);
  }
  acceptor_.join();
  for (std::thread& server : servers_) server.join();
  servers_.clear();
  ::close(std::exchange(listener_, -1));
}

void FaultHttpServer::accept_loop() {
  for (;;) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const std::lock_guard lock(mutex_);
    if (stopping_ || socket < 0) {
      if (socket >= 0) ::close(socket);
      return;
    }
    open_.insert(socket);
    const unsigned number = ++connections_;
    servers_.emplace_back([this, socket, number] {
      Connection connection;
      connection.socket = socket;
      connection.number = number;
      serve(connection);
      connection.tls.reset();
      const std::lock_guard closing(mutex_);
      open_.erase(socket);
      ::close(socket);
    });
  }
}

void FaultHttpServer::serve(Connection& connection) {
  const bool plain = !tls_.has_value();
  constexpr char tls_handshake = 0x16;  // RFC 8446 section 5.1
  for (;;) {
    // A client that opens with CONNECT speaks plainly until the tunnel stands.
    if (!plain && !connection.tls) {
      char first = 0;
      if (::recv(connection.socket, &first, 1, MSG_PEEK) <= 0) return;
      if (first == tls_handshake && !connection.begin_tls(*tls_)) return;
    }
    if (plain) {
      char first = 0;
      if (::recv(connection.socket, &first, 1, MSG_PEEK) <= 0) return;
      if (first == tls_handshake) {
        connection.send("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
        return;
      }
    }
    auto request = read_request(connection);
    if (!request || !answer(connection, std::move(*request))) return;
  }
}

std::optional<SeenRequest> FaultHttpServer::read_request(Connection& connection) {
  std::size_t end = 0;
  while ((end = connection.unread.find("\r\n\r\n")) == std::string::npos)
    if (!connection.receive()) return std::nullopt;
  SeenRequest request;
  request.connection = connection.number;
  request.head = connection.unread.substr(0, end + 2);
  connection.unread.erase(0, end + 4);
  parse_head(request);
  const auto length = request.headers.find("content-length");
  const std::size_t size = length == request.headers.end() ? 0 : std::stoull(length->second);
  if (answer_before_body_) return request;
  while (connection.unread.size() < size)
    if (!connection.receive()) return std::nullopt;
  request.body = connection.unread.substr(0, size);
  connection.unread.erase(0, size);
  return request;
}

bool FaultHttpServer::answer(Connection& connection, SeenRequest request) {
  Handler handler;
  {
    const std::lock_guard lock(mutex_);
    handler = handler_;
  }
  const bool head_only = request.method == "HEAD";
  const FaultAnswer answer = handler(request);
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(std::move(request));
    changed_.notify_all();
  }
  using Kind = FaultAnswer::Kind;
  switch (answer.kind) {
    case Kind::close:
      return false;
    case Kind::reset:
      connection.reset();
      return false;
    case Kind::hang:
      while (connection.receive()) {
      }
      return false;
    case Kind::stall: {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_; });
      return false;
    }
    case Kind::garbage:
      connection.send("220 mail.example ESMTP ready\r\n");
      return false;
    case Kind::tunnel:
      return connection.send("HTTP/1.1 200 Connection established\r\n\r\n");
    case Kind::respond:
    case Kind::close_in_body:
      break;
  }
  std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " Scripted\r\n";
  for (const auto& [name, value] : answer.headers) text += name + ": " + value + "\r\n";
  if (answer.status != 204) text += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
  text += "\r\n";
  const bool whole = answer.kind == Kind::respond;
  if (!head_only) text += whole ? answer.body : answer.body.substr(0, answer.body.size() / 2);
  return connection.send(text) && whole && !answer.close_after;
}

}  // namespace relay
