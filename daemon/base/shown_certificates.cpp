#include "base/shown_certificates.hpp"

#include <openssl/ssl.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "base/pem_certificates.hpp"

namespace relay {
namespace {

constexpr std::chrono::hours remembered{7 * 24};
constexpr std::size_t most = 1000;

struct Shown {
  WallTime not_after{};
  WallTime last_shown{};
};

class Book {
 public:
  void note(const std::string& subject, const Shown& shown) {
    const std::lock_guard lock(mutex_);
    const auto known = shown_.find(subject);
    if (known != shown_.end()) {
      known->second = shown;
      return;
    }
    if (shown_.size() >= most) {
      shown_.erase(std::ranges::min_element(shown_, {}, [](const auto& each) { return each.second.last_shown; }));
    }
    shown_.emplace(subject, shown);
  }

  std::vector<ShownCertificate> that_end(WallTime before, WallTime now) {
    const std::lock_guard lock(mutex_);
    std::erase_if(shown_, [&](const auto& each) { return now - each.second.last_shown > remembered; });
    std::vector<ShownCertificate> found;
    for (const auto& [subject, shown] : shown_) {
      if (shown.not_after < before) found.push_back({subject, shown.not_after});
    }
    std::ranges::sort(found, {}, &ShownCertificate::not_after);
    return found;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, Shown> shown_;
};

Book& book() {
  static Book book;
  return book;
}

}  // namespace

void note_shown_certificate(const ssl_st* connection, WallTime now) {
  if (const X509* certificate = SSL_get0_peer_certificate(connection)) note_shown_certificate(certificate, now);
}

void note_shown_certificate(const x509_st* certificate, WallTime now) {
  std::string subject = common_name_of(certificate);
  if (subject.empty()) {
    const auto names = dns_names_of(certificate);
    if (!names.empty()) subject = names.front();
  }
  book().note(subject, {end_of(certificate), now});
}

std::vector<ShownCertificate> shown_certificates_that_end(WallTime before, WallTime now) {
  return book().that_end(before, now);
}

}  // namespace relay
