#include "base/secret.hpp"

#include <openssl/crypto.h>

namespace relay {

Secret::~Secret() {
  // The whole buffer: a moved-from or shortened string keeps the old bytes behind its end.
  text_.resize(text_.capacity());
  OPENSSL_cleanse(text_.data(), text_.size());
}

}  // namespace relay
