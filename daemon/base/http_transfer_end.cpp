// What the end of a transfer means: an answer, or why there is none and whether the request may have arrived.
//
// The weak spots, said frankly:
// - A proxy is told from the server by the port a socket was opened to; where both have the same port and some hosts
// are
//   exempt from the proxy, a failed connection is put down to the server.
// - The threaded resolver can't be interrupted: a cancelled look-up goes on in its thread and ends by itself
//   (CURLOPT_QUICK_EXIT), so that cancelling never waits for DNS.
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <new>
#include <string_view>
#include <utility>

#include "base/file.hpp"
#include "base/http_transfer.hpp"
#include "base/http_transfer_numbers.hpp"

namespace relay {
namespace {

bool is_tls_code(CURLcode code) {
  switch (code) {
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_USE_SSL_FAILED:
      return true;
    default:
      return false;
  }
}

std::string tls_reason(CURL* handle, CURLcode code) {
  const long verified = whole_number(handle, CURLINFO_SSL_VERIFYRESULT);
  if (code != CURLE_PEER_FAILED_VERIFICATION) return curl_easy_strerror(code);
  // libcurl looks at the host name first, and leaves "unspecified" behind where that doesn't match.
  if (verified == X509_V_OK || verified == X509_V_ERR_UNSPECIFIED) return "the certificate isn't for this host name";
  return X509_verify_cert_error_string(verified);
}

// Since TLS 1.3 a server looks at our certificate when we are done with the handshake already, so that its alert comes
// in an answer's place (RFC 8446 section 4.4.2.4; OpenSSL's words for it). It has read nothing of the request then.
bool is_alert_about_our_certificate(std::string_view said) {
  constexpr std::array alerts = {
      "alert certificate required",    "alert bad certificate",     "alert unknown ca",
      "alert certificate expired",     "alert certificate revoked", "alert certificate unknown",
      "alert unsupported certificate", "alert handshake failure",   "alert access denied"};
  return std::ranges::any_of(alerts, [&](const char* alert) { return said.find(alert) != std::string_view::npos; });
}

// The server's own; empty where there is none. libcurl gives each certificate as lines, one of them "Cert:" and PEM.
std::string certificate_shown(CURL* handle) {
  curl_certinfo* chain = nullptr;
  if (curl_easy_getinfo(handle, CURLINFO_CERTINFO, &chain) != CURLE_OK || chain == nullptr) return {};
  if (chain->num_of_certs < 1) return {};
  for (const curl_slist* line = chain->certinfo[0]; line != nullptr; line = line->next)
    if (const std::string_view text = line->data; text.starts_with("Cert:")) return std::string(text.substr(5));
  return {};
}

}  // namespace

std::uint64_t HttpTransfer::uploaded() const {
  return static_cast<std::uint64_t>(number(handle_.get(), CURLINFO_SIZE_UPLOAD_T));
}

TransferResult HttpTransfer::finish(CURLcode code) {
  if (code != CURLE_OK) return {id_, describe(code)};
  response_.status = static_cast<unsigned>(whole_number(handle_.get(), CURLINFO_RESPONSE_CODE));
  if (response_.status == 407)
    return {id_, TransferError{TransferFailure::proxy, false, "the proxy doesn't take the credentials (HTTP 407)"}};
  if (request_.report_certificate) response_.server_certificate = certificate_shown(handle_.get());
  return {id_, std::move(response_)};
}

bool HttpTransfer::goes_by_proxy() const {
  if (route_.options.proxy.empty() || socket_port_ != route_.proxy.port) return false;
  return target_.port != route_.proxy.port || route_.options.no_proxy.empty();
}

bool HttpTransfer::request_may_have_arrived() const {
  // libcurl takes the pretransfer time when the header section has been handed to the kernel, behind TLS and tunnel; it
  // counts bytes of the body as uploaded once the kernel has them.
  const bool headers_sent = number(handle_.get(), CURLINFO_PRETRANSFER_TIME_T) > 0;
  return repeat_refused_ || (headers_sent && uploaded() >= body_size_);
}

TransferError HttpTransfer::describe(CURLcode code) const {
  if (code == CURLE_OUT_OF_MEMORY) throw std::bad_alloc();
  CURL* handle = handle_.get();
  const std::string& socket_path = route_.options.unix_socket;
  const std::string where = socket_path.empty() ? target_.host + ":" + std::to_string(target_.port) : socket_path;
  const std::string number_of_curl = " (curl " + std::to_string(static_cast<int>(code)) + ")";
  const std::string words = curl_easy_strerror(code) + number_of_curl;
  const bool proxied = goes_by_proxy();
  const std::string way =
      proxied ? where + " by proxy " + route_.proxy.host + ":" + std::to_string(route_.proxy.port) : where;
  const bool ready_to_send = number(handle, CURLINFO_PRETRANSFER_TIME_T) > 0;
  // A kept connection has no connect time of its own.
  const bool connected = ready_to_send || number(handle, CURLINFO_CONNECT_TIME_T) > 0;
  const long tunnel_status = whole_number(handle, CURLINFO_HTTP_CONNECTCODE);

  if (body_failed_) return {TransferFailure::body_failed, false, "the body for " + where + " can't be read"};
  if (code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_PROXY)
    return {TransferFailure::proxy, false,
            "can't reach " + where + " by the proxy " + route_.proxy.host + ": " + words};
  if (!ready_to_send && tunnel_status != 0 && tunnel_status / 100 != 2)
    return {TransferFailure::proxy, false,
            "the proxy refused a connection to " + where + " (HTTP " + std::to_string(tunnel_status) + ")"};
  if (code == CURLE_COULDNT_RESOLVE_HOST)
    return {TransferFailure::dns, false, "no address is known for " + target_.host + number_of_curl};
  if (is_tls_code(code))
    return {TransferFailure::tls, false,
            "no TLS connection to " + where + ": " + tls_reason(handle, code) + number_of_curl};
  if (is_alert_about_our_certificate(said_.data()))
    return {TransferFailure::tls, false,
            "no TLS connection to " + where + ": it doesn't take our certificate, or wants one" + number_of_curl};
  if (!connected || code == CURLE_COULDNT_CONNECT || (proxied && !ready_to_send)) {
    const long system_error = whole_number(handle, CURLINFO_OS_ERRNO);
    const bool named = system_error != 0 && code != CURLE_OPERATION_TIMEDOUT;
    return {proxied ? TransferFailure::proxy : TransferFailure::unreachable, false,
            "can't connect to " + way + ": " +
                (named ? error_text(static_cast<int>(system_error)) + number_of_curl : words)};
  }
  const bool sent = request_may_have_arrived();
  if (code == CURLE_OPERATION_TIMEDOUT)
    return {TransferFailure::timeout, sent,
            (sent ? "no answer in time from " : "the request came to a halt on its way to ") + way + number_of_curl};
  return {TransferFailure::reset, sent,
          "the connection to " + way + (sent ? " ended without an answer: " : " broke while sending: ") + words};
}

}  // namespace relay
