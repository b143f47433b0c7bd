#include "operations/certificate_watch.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "base/shown_certificates.hpp"

namespace relay {
namespace {

constexpr std::chrono::seconds read_every{10};

void add(std::vector<WatchedCertificate>& watched, const std::string& listener, const TlsFiles& files) {
  watched.push_back({"the certificate of " + listener, "", files.certificate, EndOf::first});
  if (files.client_ca.empty()) return;
  watched.push_back({"client_ca of " + listener, "", files.client_ca, EndOf::last});
}

// What a destination is shown; empty: nothing.
std::string shown_to(const DestinationSettings& destination) {
  if (const auto* http = std::get_if<HttpSettings>(&destination.system)) return http->client_certificate.certificate;
  if (const auto* mllp = std::get_if<MllpDestinationSettings>(&destination.system))
    return mllp->client_certificate.certificate;
  return {};
}

}  // namespace

std::vector<WatchedCertificate> certificates_of(const Settings& settings) {
  std::vector<WatchedCertificate> watched;
  for (const auto& listener : settings.intake.http) {
    if (listener.tls) add(watched, "intake.http " + listener.listen.text(), listener.tls->files);
  }
  for (const auto& listener : settings.intake.mllp) {
    if (listener.tls) add(watched, "intake.mllp " + listener.listen.text(), listener.tls->files);
  }
  if (settings.admin.tls && settings.admin.listen) {
    add(watched, "admin " + settings.admin.listen->text(), settings.admin.tls->files);
  }
  for (const auto& destination : settings.destinations) {
    if (std::string shown = shown_to(destination); !shown.empty()) {
      watched.push_back({"client_certificate of " + destination.name, destination.name, std::move(shown)});
    }
  }
  return watched;
}

void CertificateWatch::change(std::vector<WatchedCertificate> watched) {
  watched_ = std::move(watched);
  ends_.clear();
  read_at_.reset();
}

std::vector<ExpiringCertificate> CertificateWatch::look(MonotonicTime now, WallTime wall_now) {
  if (!read_at_ || now - *read_at_ >= read_every) {
    read_at_ = now;
    for (const WatchedCertificate& each : watched_) {
      if (const auto end = certificates_end("certificate", each.where, each.which)) ends_[each.name] = *end;
    }
  }
  const WallTime before = wall_now + certificate_notice;
  std::vector<ExpiringCertificate> expiring;
  for (const WatchedCertificate& each : watched_) {
    const auto end = ends_.find(each.name);
    if (end != ends_.end() && end->second < before) expiring.push_back({each.name, each.destination, end->second});
  }
  for (const ShownCertificate& shown : shown_certificates_that_end(before, wall_now)) {
    expiring.push_back({"a client's certificate", "", shown.not_after, shown.subject});
  }
  std::ranges::stable_sort(expiring, {}, &ExpiringCertificate::not_after);
  std::map<std::string, WallTime> said;
  for (const ExpiringCertificate& each : expiring) {
    const std::string key = each.name + ' ' + each.subject;
    const auto before_that = said_.find(key);
    if (before_that == said_.end() || before_that->second != each.not_after) {
      log_warning(each.not_after <= wall_now ? "a certificate has ended: renew it"
                                             : "a certificate ends soon: renew it before that",
                  {{"certificate", each.subject.empty() ? each.name : each.name + " (" + each.subject + ")"},
                   {"not_after", format_rfc3339(each.not_after)}});
    }
    said[key] = each.not_after;
  }
  said_ = std::move(said);
  return expiring;
}

}  // namespace relay
