// CertificateWatch: which certificates end soon, for the alarm `certificate_expiring`: the listeners' own and their
// chains, the authorities of their clients, what clients have shown, and what destinations are signed in to with.
// Belongs to the operations thread.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/pem_certificates.hpp"
#include "settings/settings.hpp"

namespace relay {

// Authorities take weeks over a certificate; those that renew by themselves do so thirty days before.
inline constexpr std::chrono::hours certificate_notice{21 * 24};

struct WatchedCertificate {
  std::string name;         // what people call it: "the certificate of intake.http 127.0.0.1:8870"
  std::string destination;  // empty: of no destination
  std::string where;        // a path, or PEM text
  EndOf which = EndOf::first;
};
std::vector<WatchedCertificate> certificates_of(const Settings& settings);

struct ExpiringCertificate {
  std::string name;  // for everybody
  std::string destination;
  WallTime not_after{};
  std::string subject{};  // of a client's: for the log
};

class CertificateWatch {
 public:
  explicit CertificateWatch(std::vector<WatchedCertificate> watched) : watched_(std::move(watched)) {}
  void change(std::vector<WatchedCertificate> watched);

  // The first to end first. Files are read again every ten seconds; while one can't be read, what it said last counts
  // (the listener, too, keeps the last good one). The log says of each once that it ends.
  std::vector<ExpiringCertificate> look(MonotonicTime now, WallTime wall_now);

 private:
  std::vector<WatchedCertificate> watched_;
  std::map<std::string, WallTime> ends_;  // by name
  std::map<std::string, WallTime> said_;  // by name and subject
  std::optional<MonotonicTime> read_at_{};
};

}  // namespace relay
