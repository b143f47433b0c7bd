// TlsContext: what a TLS listener shows of itself and asks of its peers, made from a certificate, its key and the
// authorities whose clients get in (OpenSSL 3). TLS 1.2 and 1.3 with forward secrecy and authenticated encryption
// alone (RFC 9325); no renegotiation, no compression, no resumption, so that every connection proves itself anew.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

struct ssl_ctx_st;
struct ssl_st;

namespace relay {

// Each a path, or PEM text that begins "-----BEGIN".
struct TlsFiles {
  std::string certificate;  // with the chain up to the root, its own first
  std::string key;
  std::string client_ca;  // empty: no certificate is asked for; else every client must have one of these authorities
  bool operator==(const TlsFiles&) const = default;
};

// What a client's certificate says of it. It was verified against `client_ca`.
struct TlsPeerCertificate {
  std::string subject_cn;            // the most specific one; empty: none
  std::vector<std::string> san_dns;  // as they stand there
  WallTime not_after{};
};

// Thread-safe.
class TlsContext {
 public:
  // The error names the file and what is wrong with it; never what stands in it. `clock` outlives it.
  static Result<std::shared_ptr<TlsContext>> make(TlsFiles files, const Clock& clock = system_clock());

  // What make() would say of each of the files that are named, not of the first alone. Empty where all can be used.
  static std::vector<std::string> complaints_about(const TlsFiles& files);

  // For a new connection. Files that have changed are read again, at most once a second; while they can't be used the
  // last good ones stay, and the log says so once for each change. Blocks on the files.
  std::shared_ptr<ssl_ctx_st> current();
  // When the certificate in use ends.
  WallTime not_after() const;

 private:
  struct Loaded {
    std::shared_ptr<ssl_ctx_st> context;
    WallTime not_after{};
  };
  // Tells a changed file: device, inode, size, modification and change of state. Empty for PEM text.
  using Stamps = std::vector<std::string>;

  TlsContext(TlsFiles files, Loaded loaded, Stamps stamps, const Clock& clock);
  static Result<Loaded> load(const TlsFiles& files);
  static Stamps stamps_of(const TlsFiles& files);
  void look_again();

  const Clock& clock_;
  const TlsFiles files_;
  mutable std::mutex mutex_;
  Loaded loaded_;
  Stamps stamps_;         // of what is loaded
  Stamps failed_stamps_;  // of what couldn't be
  MonotonicTime looked_at_;
};

// Of those who connect to others: trusts the authorities of `ca_file` (path or PEM text; empty: the system's) and shows
// `certificate` and `key` of `shown` where it has them. TLS 1.2 and 1.3. Blocks on the files.
Result<std::shared_ptr<ssl_ctx_st>> make_client_tls_context(const TlsFiles& shown, const std::string& ca_file);

// Of a connection whose handshake is done; nothing where the client showed none.
std::optional<TlsPeerCertificate> peer_certificate_of(const ssl_st* connection);

}  // namespace relay
