// A TLS client over a blocking socket (OpenSSL), for tests of listeners: it says which protocol, cipher and certificate
// it comes with, and tells why it wasn't let in.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "support/test_certificate.hpp"

namespace relay {

struct TlsClientOptions {
  std::string trusted_pem;        // the server's certificate, or its authority
  TestCertificate own{};          // shown where the server asks; empty: none
  int highest_version = 0;        // TLS1_1_VERSION, …; 0: the newest
  std::string tls_1_2_ciphers{};  // OpenSSL's cipher list; empty: its default
};

class TlsClient {
 public:
  // Connects to 127.0.0.1 and shakes hands.
  TlsClient(std::uint16_t port, const TlsClientOptions& options);
  ~TlsClient();

  bool connected() const { return connected_; }
  std::string failure() const { return failure_; }
  // Of the server's certificate.
  std::string server_certificate_pem() const;
  void send(const std::string& text);
  // Everything up to the server's goodbye. `truncated()` where the connection ended without one.
  std::string read_to_end();
  bool truncated() const { return truncated_; }

 private:
  struct Handles;
  std::unique_ptr<Handles> handles_;
  bool connected_ = false;
  bool truncated_ = false;
  std::string failure_;
};

}  // namespace relay
