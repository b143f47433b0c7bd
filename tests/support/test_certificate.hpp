// Certificates for tests, made on the spot: a self-signed one for localhost and 127.0.0.1, and TLS server contexts.
#pragma once

#include <string>

namespace relay {

struct TestCertificate {
  std::string certificate_pem;
  std::string key_pem;
};

// Valid for an hour. `host` stands as DNS name; 127.0.0.1 as address only with host "localhost". `expired`: its hour is
// over.
TestCertificate make_test_certificate(const std::string& host = "localhost", bool expired = false);

}  // namespace relay
