#include "support/test_certificate.hpp"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>

#include "base/freed.hpp"

namespace relay {
namespace {

using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;

std::string text_of(const Bio& memory) {
  char* data = nullptr;
  const long length = BIO_get_mem_data(memory.get(), &data);
  return {data, static_cast<std::size_t>(length)};
}

void need(int result) {
  if (result <= 0) throw std::runtime_error("OpenSSL can't make a test certificate");
}

void add_extension(X509* certificate, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  if (!extension) need(0);
  need(X509_add_ext(certificate, extension.get(), -1));
}

}  // namespace

TestCertificate make_test_certificate(const std::string& host, bool expired) {
  const std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>> key(EVP_EC_gen("P-256"));
  const std::unique_ptr<X509, Freed<X509_free>> certificate(X509_new());
  if (!key || !certificate) need(0);
  need(X509_set_version(certificate.get(), 2));
  need(ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1));
  constexpr long hour = 3600;
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), expired ? -2 * hour : -hour);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), expired ? -hour : hour);
  need(X509_set_pubkey(certificate.get(), key.get()));
  X509_NAME* name = X509_get_subject_name(certificate.get());
  need(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(host.c_str()), -1,
                                  -1, 0));
  need(X509_set_issuer_name(certificate.get(), name));
  add_extension(certificate.get(), NID_subject_alt_name,
                host == "localhost" ? "DNS:localhost,IP:127.0.0.1" : "DNS:" + host);
  add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  need(X509_sign(certificate.get(), key.get(), EVP_sha256()));

  TestCertificate made;
  const Bio certificate_text(BIO_new(BIO_s_mem()));
  need(PEM_write_bio_X509(certificate_text.get(), certificate.get()));
  made.certificate_pem = text_of(certificate_text);
  const Bio key_text(BIO_new(BIO_s_mem()));
  need(PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr));
  made.key_pem = text_of(key_text);
  return made;
}

}  // namespace relay
