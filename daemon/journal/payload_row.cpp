#include "journal/payload_row.hpp"

namespace relay {

namespace {

std::string bound_to(const PayloadRowPlace& place) {
  std::string bound = "payload\n";
  bound.append(place.submission.bytes.begin(), place.submission.bytes.end());
  for (int shift = 24; shift >= 0; shift -= 8) bound.push_back(static_cast<char>((place.chunk >> shift) & 0xff));
  bound.push_back(place.last ? 1 : 0);
  bound.append(place.row_digest.begin(), place.row_digest.end());
  return bound;
}

}  // namespace

std::string frame_payload(std::string bytes, const PayloadRowPlace& place, const PayloadCipher& cipher) {
  if (cipher.seals()) return cipher.seal(bytes, bound_to(place));
  bytes.insert(bytes.begin(), plain_scheme);
  return bytes;
}

std::optional<std::string> unframe_payload(std::string row, const PayloadRowPlace& place, const PayloadCipher& cipher) {
  if (row.empty()) return std::nullopt;
  if (is_sealed_payload(row)) return cipher.open(row, bound_to(place));
  if (row.front() != plain_scheme) return std::nullopt;
  row.erase(0, 1);
  return row;
}

bool is_sealed_payload(std::string_view row) {
  return !row.empty() && row.front() == sealed_scheme;
}

}  // namespace relay
