#include "journal/payload_row.hpp"

namespace relay {

namespace {
constexpr char plain_scheme = 0;
}

std::string frame_payload(std::string bytes, const PayloadRowPlace&) {
  bytes.insert(bytes.begin(), plain_scheme);
  return bytes;
}

std::optional<std::string_view> unframe_payload(std::string_view row, const PayloadRowPlace&) {
  if (row.empty() || row.front() != plain_scheme) return std::nullopt;
  return row.substr(1);
}

}  // namespace relay
