// Payload cipher: seals what can name a person before it is written, and opens it again (AES-256-GCM, NIST SP 800-38D,
// by OpenSSL). Made once for a journal that is being opened; then unchanging and usable from any thread.
//
// A sealed text is
//   1 byte   scheme 1 (a plain one, where a header is kept, is scheme 0)
//   4 bytes  key id: which of the configured keys
//   16 bytes salt, 12 bytes nonce
//   the ciphertext, as long as the text, and the 16 bytes of its tag
// Salt and nonce together never repeat. Each process that opens a journal draws a random salt and seals with a key of
// its own, HMAC-SHA-256(configured key, salt); under that one the nonce is a counter. So nothing about nonces has to
// survive a crash, a journal that was put back from a copy repeats none, two relays may share a key, and no number of
// submissions wears a key out. (Rejected: random 96-bit nonces under the configured key, which may be used 2^32 times
// at most; and a counter in the journal, which a restored copy sets back.)
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/secret.hpp"

namespace relay {

inline constexpr char plain_scheme = 0;
inline constexpr char sealed_scheme = 1;

// One key of journal.encryption_key.
class SealingKey {
 public:
  static constexpr std::size_t size = 32;
  using Id = std::array<std::uint8_t, 4>;

  // Throws std::invalid_argument unless `key` has 32 bytes: the configuration's reader sees to that.
  explicit SealingKey(const Secret& key);
  SealingKey(SealingKey&& other) noexcept;

  // Names the key in sealed texts and messages; says nothing about it.
  const Id& id() const { return id_; }
  std::string id_text() const;

  // `bound_to` is authenticated with the text but not kept: only who gives the same can open it.
  std::string seal(std::string_view text, std::string_view bound_to) const;
  // Nothing where it isn't sealed with this key, was changed, or belongs elsewhere.
  std::optional<std::string> open(std::string_view sealed, std::string_view bound_to) const;

 private:
  Secret key_;
  Id id_{};
  std::string salt_;
  Secret key_of_this_opening_;
  mutable std::atomic<std::uint64_t> sealed_{0};
};

class PayloadCipher {
 public:
  // Without keys: seals nothing, opens nothing.
  PayloadCipher() = default;
  // The first key seals, all open. `hash_secret`: the journal's own, for what is kept as a hash.
  PayloadCipher(std::vector<SealingKey> keys, Secret hash_secret);
  static const PayloadCipher& none();

  bool seals() const { return !keys_.empty(); }
  const std::vector<SealingKey>& keys() const { return keys_; }

  // Only where seals().
  std::string seal(std::string_view text, std::string_view bound_to) const;
  std::optional<std::string> open(std::string_view sealed, std::string_view bound_to) const;
  // For the table of keys: a wrong key is told by what it doesn't open.
  std::string sealed_hash_secret(std::string_view bound_to) const { return seal(hash_secret_.reveal(), bound_to); }
  // Nothing without keys: then there is no secret to hash with.
  std::optional<Digest> keyed_hash(std::string_view text) const;

 private:
  std::vector<SealingKey> keys_;
  Secret hash_secret_;
};

}  // namespace relay
