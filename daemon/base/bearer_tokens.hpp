// Bearer tokens (RFC 6750), which a listener knows by their SHA-256 alone. Several may be valid at once, so that one
// can be replaced without a gap.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/secret.hpp"

namespace relay {

struct BearerToken {
  Digest sha256;     // of the bytes behind "Bearer "
  std::string name;  // whom it stands for; may be empty
};

// Unchanging; usable from any thread.
class BearerTokens {
 public:
  BearerTokens() = default;
  explicit BearerTokens(std::vector<BearerToken> tokens) : tokens_(std::move(tokens)) {}

  bool empty() const { return tokens_.empty(); }
  // The one that was given, or nullptr. Its time depends on nothing but the length of what was given.
  const BearerToken* find(std::string_view given) const;

 private:
  std::vector<BearerToken> tokens_;
};

// The token of an Authorization field; nothing where it is of another scheme.
std::optional<std::string_view> bearer_token_in(std::string_view authorization);
// 256 random bits, in characters that a header field, a shell and a YAML file leave alone.
Secret new_bearer_token();

}  // namespace relay
