#include "journal/sealed_text.hpp"

#include <utility>

namespace relay {

namespace {

std::string bound_to(const TextPlace& place) {
  std::string bound = "text\n";
  bound.append(place.submission.bytes.begin(), place.submission.bytes.end());
  bound.push_back(static_cast<char>(place.field));
  const auto destination = static_cast<std::uint64_t>(place.destination);
  for (int shift = 56; shift >= 0; shift -= 8) bound.push_back(static_cast<char>((destination >> shift) & 0xff));
  return bound;
}

}  // namespace

StoredText store_text(std::string text, const TextPlace& place, const PayloadCipher& cipher) {
  if (text.empty() || !cipher.seals()) return {std::move(text), false};
  return {cipher.seal(text, bound_to(place)), true};
}

std::optional<std::string> read_text_column(const Rows& rows, int column, const TextPlace& place,
                                            const PayloadCipher& cipher) {
  if (!rows.is_blob(column)) return rows.string(column);
  return cipher.open(rows.bytes(column), bound_to(place));
}

}  // namespace relay
