#include "base/pem_certificates.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <optional>
#include <utility>

#include "base/file.hpp"

namespace relay {
namespace {

constexpr ByteCount longest_file = mebibytes(4);
constexpr std::string_view pem_start = "-----BEGIN";

using AlternativeNames = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;

// As UTF-8; nothing where it holds a NUL, behind which a shorter name could hide.
std::optional<std::string> text_of(const ASN1_STRING* string) {
  unsigned char* bytes = nullptr;
  const int length = ASN1_STRING_to_UTF8(&bytes, string);
  if (length < 0) return std::nullopt;
  std::string text(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
  OPENSSL_free(bytes);
  if (text.find('\0') != std::string::npos) return std::nullopt;
  return text;
}

}  // namespace

Bio reader_of(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

int no_passphrase(char*, int, int, void*) {
  return 0;
}

bool is_pem(std::string_view text) {
  return text.starts_with(pem_start);
}

std::string described(std::string_view what, const std::string& where) {
  return is_pem(where) ? std::string(what) : std::string(what) + ' ' + where;
}

Result<std::string> pem_of(std::string_view what, const std::string& where) {
  if (is_pem(where)) return where;
  auto content = read_file(where, longest_file);
  if (!content) return fail(std::string(what) + ": " + content.error().message);
  return std::move(*content);
}

std::vector<Certificate> certificates_in(const std::string& pem) {
  std::vector<Certificate> found;
  const Bio reader = reader_of(pem);
  while (X509* each = PEM_read_bio_X509(reader.get(), nullptr, no_passphrase, nullptr)) found.emplace_back(each);
  ERR_clear_error();
  return found;
}

WallTime end_of(const X509* certificate) {
  std::tm end{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1) return WallTime{};
  return WallTime(std::chrono::seconds(::timegm(&end)));
}

std::string common_name_of(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  int last = -1;
  for (int next = -1; (next = X509_NAME_get_index_by_NID(subject, NID_commonName, next)) >= 0;) last = next;
  if (last < 0) return {};
  return text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last))).value_or("");
}

std::vector<std::string> dns_names_of(const X509* certificate) {
  std::vector<std::string> names;
  const AlternativeNames all(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; all && i < sk_GENERAL_NAME_num(all.get()); ++i) {
    const GENERAL_NAME* each = sk_GENERAL_NAME_value(all.get(), i);
    if (each->type != GEN_DNS) continue;
    if (auto name = text_of(each->d.dNSName)) names.push_back(std::move(*name));
  }
  return names;
}

Result<WallTime> certificates_end(std::string_view what, const std::string& where, EndOf which) {
  const auto pem = pem_of(what, where);
  if (!pem) return Failure{pem.error()};
  std::vector<WallTime> ends;
  for (const Certificate& each : certificates_in(*pem)) ends.push_back(end_of(each.get()));
  if (ends.empty()) return fail(described(what, where) + ": there is no PEM certificate in it");
  return which == EndOf::first ? *std::ranges::min_element(ends) : *std::ranges::max_element(ends);
}

}  // namespace relay
