#include "journal/payload_cipher.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <stdexcept>
#include <utility>

namespace relay {

namespace {

constexpr std::size_t salt_size = 16;
constexpr std::size_t nonce_size = 12;
constexpr std::size_t tag_size = 16;
constexpr std::size_t salt_at = 1 + sizeof(SealingKey::Id);
constexpr std::size_t nonce_at = salt_at + salt_size;
constexpr std::size_t text_at = nonce_at + nonce_size;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const EVP_CIPHER* aes_256_gcm() {
  // Fetched once: looking it up costs more than sealing a short text.
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  if (cipher == nullptr)
    throw std::runtime_error("OpenSSL has no AES-256-GCM here: journal.encryption_key can't be used");
  return cipher;
}

void must(int result) {
  if (result != 1) throw std::runtime_error("OpenSSL failed while it sealed or opened a text of the journal");
}

const unsigned char* in(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* out(std::string& bytes, std::size_t at) {
  return reinterpret_cast<unsigned char*>(bytes.data()) + at;
}
int length(std::string_view bytes) {
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    throw std::invalid_argument("a text of the journal is too large to be sealed at once");
  }
  return static_cast<int>(bytes.size());
}

Secret derive(const Secret& key, std::string_view what) {
  const Digest digest = hmac_sha256(key.reveal(), what);
  return Secret(std::string(digest.bytes.begin(), digest.bytes.end()));
}

Secret key_of_opening(const Secret& key, std::string_view salt) {
  return derive(key, "edge-relay seal 1\n" + std::string(salt));
}

void add_big_endian(std::string& bytes, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>((number >> shift) & 0xff));
}

}  // namespace

SealingKey::SealingKey(const Secret& key) : key_(key) {
  if (key.reveal().size() != size) throw std::invalid_argument("a sealing key must have 32 bytes");
  const Digest digest = hmac_sha256(key.reveal(), "edge-relay key id 1\n");
  std::copy_n(digest.bytes.begin(), id_.size(), id_.begin());
  salt_.resize(salt_size);
  must(RAND_bytes(out(salt_, 0), static_cast<int>(salt_size)));
  key_of_this_opening_ = key_of_opening(key_, salt_);
}

SealingKey::SealingKey(SealingKey&& other) noexcept
    : key_(std::move(other.key_)),
      id_(other.id_),
      salt_(std::move(other.salt_)),
      key_of_this_opening_(std::move(other.key_of_this_opening_)),
      sealed_(other.sealed_.load()) {}

std::string SealingKey::id_text() const {
  return hex_encode({reinterpret_cast<const char*>(id_.data()), id_.size()});
}

std::string SealingKey::seal(std::string_view text, std::string_view bound_to) const {
  std::string sealed;
  sealed.reserve(text_at + text.size() + tag_size);
  sealed.push_back(sealed_scheme);
  sealed.append(id_.begin(), id_.end());
  sealed += salt_;
  sealed.append(nonce_size - sizeof(std::uint64_t), '\0');
  add_big_endian(sealed, sealed_.fetch_add(1, std::memory_order_relaxed));
  sealed.resize(text_at + text.size() + tag_size);

  const Context context(EVP_CIPHER_CTX_new());
  int written = 0;
  must(EVP_EncryptInit_ex2(context.get(), aes_256_gcm(), in(key_of_this_opening_.reveal()), out(sealed, nonce_at),
                           nullptr));
  must(EVP_EncryptUpdate(context.get(), nullptr, &written, in(bound_to), length(bound_to)));
  must(EVP_EncryptUpdate(context.get(), out(sealed, text_at), &written, in(text), length(text)));
  must(EVP_EncryptFinal_ex(context.get(), out(sealed, text_at + text.size()), &written));
  must(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag_size),
                           out(sealed, text_at + text.size())));
  return sealed;
}

std::optional<std::string> SealingKey::open(std::string_view sealed, std::string_view bound_to) const {
  if (sealed.size() < text_at + tag_size || sealed.front() != sealed_scheme) return std::nullopt;
  if (!std::equal(id_.begin(), id_.end(), in(sealed) + 1)) return std::nullopt;
  const std::string_view salt = sealed.substr(salt_at, salt_size);
  const std::string_view nonce = sealed.substr(nonce_at, nonce_size);
  const std::string_view hidden = sealed.substr(text_at, sealed.size() - text_at - tag_size);
  std::string tag(sealed.substr(sealed.size() - tag_size));
  const Secret key = salt == salt_ ? key_of_this_opening_ : key_of_opening(key_, salt);

  std::string text(hidden.size(), '\0');
  const Context context(EVP_CIPHER_CTX_new());
  int written = 0;
  must(EVP_DecryptInit_ex2(context.get(), aes_256_gcm(), in(key.reveal()), in(nonce), nullptr));
  must(EVP_DecryptUpdate(context.get(), nullptr, &written, in(bound_to), length(bound_to)));
  must(EVP_DecryptUpdate(context.get(), out(text, 0), &written, in(hidden), length(hidden)));
  must(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag_size), out(tag, 0)));
  if (EVP_DecryptFinal_ex(context.get(), out(text, text.size()), &written) != 1) return std::nullopt;
  return text;
}

PayloadCipher::PayloadCipher(std::vector<SealingKey> keys, Secret hash_secret)
    : keys_(std::move(keys)), hash_secret_(std::move(hash_secret)) {}

const PayloadCipher& PayloadCipher::none() {
  static const PayloadCipher without_keys;
  return without_keys;
}

std::string PayloadCipher::seal(std::string_view text, std::string_view bound_to) const {
  if (keys_.empty()) throw std::logic_error("a text was to be sealed without a key");
  return keys_.front().seal(text, bound_to);
}

std::optional<std::string> PayloadCipher::open(std::string_view sealed, std::string_view bound_to) const {
  for (const SealingKey& key : keys_) {
    if (auto text = key.open(sealed, bound_to)) return text;
  }
  return std::nullopt;
}

std::optional<Digest> PayloadCipher::keyed_hash(std::string_view text) const {
  if (keys_.empty()) return std::nullopt;
  return hmac_sha256(hash_secret_.reveal(), text);
}

}  // namespace relay
