#include <string>

#include "base/uuid.hpp"
#include "fuzz/targets.hpp"
#include "journal/payload_row.hpp"
#include "journal/receipt_text.hpp"

namespace relay::fuzz {

namespace {

PayloadCipher make_cipher() {
  std::vector<SealingKey> keys;
  keys.emplace_back(Secret(std::string(SealingKey::size, 'k')));
  return {std::move(keys), Secret(std::string(32, 's'))};
}

}  // namespace

void payload_row(std::string_view bytes) {
  static const PayloadCipher cipher = make_cipher();
  const PayloadRowPlace place{Uuid{}, 0, true, {}};
  require(!is_sealed_payload(bytes) || !unframe_payload(std::string(bytes), place, PayloadCipher::none()),
          "without a key nothing sealed opens");
  (void)unframe_payload(std::string(bytes), place, cipher);
  const std::string sealed = frame_payload(std::string(bytes), place, cipher);
  require(unframe_payload(sealed, place, cipher) == bytes, "what was sealed opens to the same bytes");
  require(unframe_payload(frame_payload(std::string(bytes), place, PayloadCipher::none()), place, cipher) == bytes,
          "a plain row opens beside sealed ones");
  (void)parse_receipt(bytes);
  (void)Uuid::parse(bytes);
}

}  // namespace relay::fuzz
