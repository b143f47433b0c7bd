#include "base/bearer_tokens.hpp"

#include <openssl/rand.h>

#include <array>
#include <stdexcept>

#include "base/http_text.hpp"

namespace relay {
namespace {

std::string_view bytes_of(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size()};
}

}  // namespace

const BearerToken* BearerTokens::find(std::string_view given) const {
  const Digest digest = sha256(given);
  const BearerToken* found = nullptr;
  for (const BearerToken& token : tokens_) {
    if (constant_time_equal(bytes_of(token.sha256), bytes_of(digest))) found = &token;
  }
  return found;
}

std::optional<std::string_view> bearer_token_in(std::string_view authorization) {
  constexpr std::string_view scheme = "Bearer ";
  if (authorization.size() <= scheme.size() || !equal_ignoring_case(authorization.substr(0, scheme.size()), scheme)) {
    return std::nullopt;
  }
  return trimmed(authorization.substr(scheme.size()));
}

Secret new_bearer_token() {
  std::array<unsigned char, 32> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) {
    throw std::runtime_error("the system gives no random bytes");
  }
  return Secret("er_" + hex_encode({reinterpret_cast<const char*>(random.data()), random.size()}));
}

}  // namespace relay
