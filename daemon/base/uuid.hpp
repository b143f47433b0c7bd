// UUID version 7 (RFC 9562 section 5.7): 48 bits of Unix milliseconds, then a counter, then randomness.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace relay {

struct Uuid {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const Uuid&) const = default;

  // 8-4-4-4-12 lower-case hex.
  std::string text() const;
  // Takes exactly the form that text() writes, in either case.
  static std::optional<Uuid> parse(std::string_view text);
};

// Ids of one generator strictly grow, also when the wall clock is set back (it then keeps its last millisecond and
// counts on). Thread-safe.
class UuidGenerator {
 public:
  explicit UuidGenerator(const Clock& clock) : clock_(clock) {}
  Uuid next();

 private:
  const Clock& clock_;
  std::mutex mutex_;
  std::uint64_t last_milliseconds_ = 0;
  std::uint32_t counter_ = 0;  // 12 bits of rand_a, then 14 bits of rand_b
};

// n bytes from the operating system's generator; throws std::runtime_error where it has none.
std::string random_bytes(std::size_t n);

}  // namespace relay
