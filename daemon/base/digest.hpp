// SHA-256, HMAC-SHA-256 and the texts they are written in (OpenSSL 3).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace relay {

struct Digest {
  std::array<std::uint8_t, 32> bytes{};
  bool operator==(const Digest&) const = default;
  std::string hex() const;  // lower case
};

// Feed bytes in any pieces; finish() once.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(std::string_view bytes);
  Digest finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

Digest sha256(std::string_view bytes);
Digest hmac_sha256(std::string_view key, std::string_view message);

std::string hex_encode(std::string_view bytes);
std::optional<std::string> hex_decode(std::string_view text);
// RFC 4648 section 4, with padding and without line breaks; decoding takes exactly that form.
std::string base64_encode(std::string_view bytes);
std::optional<std::string> base64_decode(std::string_view text);

// True when equal; its time depends on the lengths alone.
bool constant_time_equal(std::string_view a, std::string_view b);

}  // namespace relay
