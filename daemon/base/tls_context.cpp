#include "base/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <utility>

#include "base/freed.hpp"
#include "base/log.hpp"
#include "base/pem_certificates.hpp"

namespace relay {
namespace {

constexpr std::chrono::seconds look_every{1};

// Of TLS 1.2: ephemeral elliptic curves and AEAD alone. TLS 1.3 has no others.
constexpr const char* tls_1_2_ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* groups = "X25519:P-256:P-384";

using PrivateKey = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

std::string last_reason() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return reason ? reason : "OpenSSL gives no reason";
}

Result<std::shared_ptr<SSL_CTX>> new_context() {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  const bool made = context && SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) == 1 &&
                    SSL_CTX_set_cipher_list(context.get(), tls_1_2_ciphers) == 1 &&
                    SSL_CTX_set1_groups_list(context.get(), groups) == 1;
  if (!made) return fail("OpenSSL can't make a TLS context: " + last_reason());
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  // An idle connection holds no buffers of OpenSSL's.
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  return context;
}

Result<WallTime> use_certificate(SSL_CTX* context, const TlsFiles& files) {
  auto pem = pem_of("certificate", files.certificate);
  if (!pem) return Failure{pem.error()};
  const auto chain = certificates_in(*pem);
  const std::string what = described("certificate", files.certificate);
  if (chain.empty()) return fail(what + ": there is no PEM certificate in it");
  if (SSL_CTX_use_certificate(context, chain.front().get()) != 1) return fail(what + ": " + last_reason());
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, chain[i].get()) != 1) return fail(what + ": " + last_reason());
  }
  return end_of(chain.front().get());
}

Result<PrivateKey> read_key(const TlsFiles& files) {
  auto pem = pem_of("key", files.key);
  if (!pem) return Failure{pem.error()};
  PrivateKey key(PEM_read_bio_PrivateKey(reader_of(*pem).get(), nullptr, no_passphrase, nullptr));
  OPENSSL_cleanse(pem->data(), pem->size());
  ERR_clear_error();
  if (!key) return fail(described("key", files.key) + ": there is no PEM private key without a passphrase in it");
  return key;
}

Result<void> use_key(SSL_CTX* context, const TlsFiles& files) {
  const auto key = read_key(files);
  if (!key) return Failure{key.error()};
  if (SSL_CTX_use_PrivateKey(context, key->get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    ERR_clear_error();
    return fail(described("key", files.key) + ": it isn't the key of " + described("certificate", files.certificate));
  }
  return {};
}

Result<void> ask_for_certificates(SSL_CTX* context, const TlsFiles& files) {
  if (files.client_ca.empty()) return {};
  auto pem = pem_of("client_ca", files.client_ca);
  if (!pem) return Failure{pem.error()};
  const auto authorities = certificates_in(*pem);
  const std::string what = described("client_ca", files.client_ca);
  if (authorities.empty()) return fail(what + ": there is no PEM certificate in it");
  X509_STORE* trusted = SSL_CTX_get_cert_store(context);
  for (const Certificate& authority : authorities) {
    if (X509_STORE_add_cert(trusted, authority.get()) != 1) return fail(what + ": " + last_reason());
    SSL_CTX_add_client_CA(context, authority.get());
  }
  // An authority that isn't a root may be named alone.
  X509_STORE_set_flags(trusted, X509_V_FLAG_PARTIAL_CHAIN);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return {};
}

std::string stamp_of(const std::string& where) {
  struct stat status {};
  if (where.empty() || is_pem(where) || ::stat(where.c_str(), &status) != 0) return {};
  std::string stamp;
  for (const auto number :
       {static_cast<long long>(status.st_dev), static_cast<long long>(status.st_ino),
        static_cast<long long>(status.st_size), static_cast<long long>(status.st_mtim.tv_sec),
        static_cast<long long>(status.st_mtim.tv_nsec), static_cast<long long>(status.st_ctim.tv_sec),
        static_cast<long long>(status.st_ctim.tv_nsec)}) {
    stamp += std::to_string(number) + ' ';
  }
  return stamp;
}

}  // namespace

TlsContext::TlsContext(TlsFiles files, Loaded loaded, Stamps stamps, const Clock& clock)
    : clock_(clock),
      files_(std::move(files)),
      loaded_(std::move(loaded)),
      stamps_(std::move(stamps)),
      looked_at_(clock.monotonic_now()) {}

Result<std::shared_ptr<TlsContext>> TlsContext::make(TlsFiles files, const Clock& clock) {
  // Stamps first: a change while the files are read is seen at the next look.
  Stamps stamps = stamps_of(files);
  auto loaded = load(files);
  if (!loaded) return Failure{loaded.error()};
  return std::shared_ptr<TlsContext>(new TlsContext(std::move(files), std::move(*loaded), std::move(stamps), clock));
}

Result<TlsContext::Loaded> TlsContext::load(const TlsFiles& files) {
  ERR_clear_error();
  auto context = new_context();
  if (!context) return Failure{context.error()};
  auto not_after = use_certificate(context->get(), files);
  if (!not_after) return Failure{not_after.error()};
  if (auto used = use_key(context->get(), files); !used) return Failure{used.error()};
  if (auto asked = ask_for_certificates(context->get(), files); !asked) return Failure{asked.error()};
  return Loaded{std::move(*context), *not_after};
}

std::vector<std::string> TlsContext::complaints_about(const TlsFiles& files) {
  ERR_clear_error();
  const auto context = new_context();
  if (!context) return {context.error().message};
  std::vector<std::string> complaints;
  const auto take = [&](const auto& result) {
    if (!result) complaints.push_back(result.error().message);
    return result.ok();
  };
  const bool shown = !files.certificate.empty() && take(use_certificate(context->get(), files));
  if (!files.key.empty() && shown) take(use_key(context->get(), files));
  if (!files.key.empty() && !shown) take(read_key(files));
  take(ask_for_certificates(context->get(), files));
  return complaints;
}

TlsContext::Stamps TlsContext::stamps_of(const TlsFiles& files) {
  return {stamp_of(files.certificate), stamp_of(files.key), stamp_of(files.client_ca)};
}

std::shared_ptr<ssl_ctx_st> TlsContext::current() {
  const std::lock_guard lock(mutex_);
  look_again();
  return loaded_.context;
}

WallTime TlsContext::not_after() const {
  const std::lock_guard lock(mutex_);
  return loaded_.not_after;
}

void TlsContext::look_again() {
  const MonotonicTime now = clock_.monotonic_now();
  if (now - looked_at_ < look_every) return;
  looked_at_ = now;
  Stamps stamps = stamps_of(files_);
  if (stamps == stamps_ || stamps == failed_stamps_) return;
  auto loaded = load(files_);
  if (loaded) {
    loaded_ = std::move(*loaded);
    stamps_ = std::move(stamps);
    failed_stamps_.clear();
    log_info("changed TLS files were read; new connections get them",
             {{"certificate", is_pem(files_.certificate) ? "PEM text" : files_.certificate},
              {"not_after", format_rfc3339(loaded_.not_after)}});
  } else {
    failed_stamps_ = std::move(stamps);
    log_warning("changed TLS files can't be used; the last good ones stay in use",
                {{"reason", loaded.error().message}});
  }
}

Result<std::shared_ptr<ssl_ctx_st>> make_client_tls_context(const TlsFiles& shown, const std::string& ca_file) {
  ERR_clear_error();
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1)
    return fail("OpenSSL can't make a TLS context: " + last_reason());
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context.get());
  } else {
    auto pem = pem_of("ca_file", ca_file);
    if (!pem) return Failure{pem.error()};
    for (const Certificate& authority : certificates_in(*pem))
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), authority.get());
  }
  if (shown.certificate.empty()) return context;
  if (auto used = use_certificate(context.get(), shown); !used) return Failure{used.error()};
  if (auto used = use_key(context.get(), shown); !used) return Failure{used.error()};
  return context;
}

std::optional<TlsPeerCertificate> peer_certificate_of(const ssl_st* connection) {
  const X509* certificate = SSL_get0_peer_certificate(connection);
  if (!certificate) return std::nullopt;
  return TlsPeerCertificate{common_name_of(certificate), dns_names_of(certificate), end_of(certificate)};
}

}  // namespace relay
