#include "support/tls_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <stdexcept>

namespace relay {
namespace {

template <auto Free>
struct Freed {
  template <class Handle>
  void operator()(Handle* handle) const {
    Free(handle);
  }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

Bio reader_of(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

void need(bool done) {
  if (!done) throw std::runtime_error("the test's TLS client can't be set up");
}

int connect_to(std::uint16_t port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  need(::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  const timeval limit{30, 0};
  ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  // What was sent is on its way, and not held back until the handshake's last bytes are acknowledged.
  const int one = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return descriptor;
}

std::string last_reason() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  return reason ? reason : "the connection ended";
}

}  // namespace

struct TlsClient::Handles {
  std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>> context{SSL_CTX_new(TLS_client_method())};
  std::unique_ptr<SSL, Freed<SSL_free>> ssl;
  int descriptor = -1;
  ~Handles() {
    ssl.reset();
    if (descriptor >= 0) ::close(descriptor);
  }
};

TlsClient::TlsClient(std::uint16_t port, const TlsClientOptions& options) : handles_(std::make_unique<Handles>()) {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to its socket without MSG_NOSIGNAL
  SSL_CTX* context = handles_->context.get();
  // The test wants to see what the server refuses, not what this OpenSSL's own settings do.
  SSL_CTX_set_security_level(context, 0);
  const Certificate trusted(PEM_read_bio_X509(reader_of(options.trusted_pem).get(), nullptr, nullptr, nullptr));
  need(trusted && X509_STORE_add_cert(SSL_CTX_get_cert_store(context), trusted.get()) == 1);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
  if (options.highest_version != 0) SSL_CTX_set_max_proto_version(context, options.highest_version);
  if (!options.tls_1_2_ciphers.empty()) need(SSL_CTX_set_cipher_list(context, options.tls_1_2_ciphers.c_str()) == 1);
  if (!options.own.certificate_pem.empty()) {
    const Certificate own(PEM_read_bio_X509(reader_of(options.own.certificate_pem).get(), nullptr, nullptr, nullptr));
    const PrivateKey key(PEM_read_bio_PrivateKey(reader_of(options.own.key_pem).get(), nullptr, nullptr, nullptr));
    need(own && key && SSL_CTX_use_certificate(context, own.get()) == 1 &&
         SSL_CTX_use_PrivateKey(context, key.get()) == 1);
  }
  handles_->descriptor = connect_to(port);
  handles_->ssl.reset(SSL_new(context));
  SSL_set_fd(handles_->ssl.get(), handles_->descriptor);
  ERR_clear_error();
  connected_ = SSL_connect(handles_->ssl.get()) == 1;
  if (!connected_) failure_ = last_reason();
}

TlsClient::~TlsClient() = default;

std::string TlsClient::server_certificate_pem() const {
  const Bio memory(BIO_new(BIO_s_mem()));
  need(PEM_write_bio_X509(memory.get(), SSL_get0_peer_certificate(handles_->ssl.get())) == 1);
  char* data = nullptr;
  const long length = BIO_get_mem_data(memory.get(), &data);
  return {data, static_cast<std::size_t>(length)};
}

void TlsClient::send(const std::string& text) {
  ERR_clear_error();
  if (SSL_write(handles_->ssl.get(), text.data(), static_cast<int>(text.size())) <= 0) failure_ = last_reason();
}

std::string TlsClient::read_to_end() {
  std::string text;
  std::array<char, 4096> piece{};
  for (;;) {
    ERR_clear_error();
    const int bytes = SSL_read(handles_->ssl.get(), piece.data(), static_cast<int>(piece.size()));
    if (bytes <= 0) {
      truncated_ = SSL_get_error(handles_->ssl.get(), bytes) != SSL_ERROR_ZERO_RETURN;
      if (truncated_) failure_ = last_reason();
      return text;
    }
    text.append(piece.data(), static_cast<std::size_t>(bytes));
  }
}

}  // namespace relay
