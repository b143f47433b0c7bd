// Certificates as PEM: from a file, or as text in the configuration itself; what they say of their holder, and when
// they end. OpenSSL's types: for those who work with them.
#pragma once

#include <openssl/bio.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/freed.hpp"
#include "base/result.hpp"

namespace relay {

using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;

// Over a text that outlives it.
Bio reader_of(const std::string& text);
// OpenSSL's callback. Without one, what is encrypted has it ask on the terminal.
int no_passphrase(char*, int, int, void*);

bool is_pem(std::string_view text);
// How a message calls it: "certificate /etc/…", or its key alone where the text stands in the configuration, since that
// may be a private key.
std::string described(std::string_view what, const std::string& where);
// The text itself, or what is in that file. Blocks.
Result<std::string> pem_of(std::string_view what, const std::string& where);
// All of them, in their order; none where there are none.
std::vector<Certificate> certificates_in(const std::string& pem);

WallTime end_of(const X509* certificate);
// The most specific one; empty: none.
std::string common_name_of(const X509* certificate);
std::vector<std::string> dns_names_of(const X509* certificate);

enum class EndOf {
  first,  // of a chain, which holds until then
  last,   // of authorities, of which an old one may stay beside its successor
};
// When the certificates there end. Error: that can't be read. Blocks.
Result<WallTime> certificates_end(std::string_view what, const std::string& where, EndOf which);

}  // namespace relay
