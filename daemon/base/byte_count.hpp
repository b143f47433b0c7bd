// ByteCount: a number of bytes that can't be taken for another number.
#pragma once

#include <compare>
#include <cstdint>

namespace relay {

struct ByteCount {
  std::uint64_t value = 0;

  constexpr auto operator<=>(const ByteCount&) const = default;
  constexpr ByteCount& operator+=(ByteCount other) {
    value += other.value;
    return *this;
  }
  constexpr ByteCount& operator-=(ByteCount other) {
    value -= other.value;
    return *this;
  }
  friend constexpr ByteCount operator+(ByteCount a, ByteCount b) { return {a.value + b.value}; }
  friend constexpr ByteCount operator-(ByteCount a, ByteCount b) { return {a.value - b.value}; }
};

constexpr ByteCount kibibytes(std::uint64_t n) {
  return {n * 1024};
}
constexpr ByteCount mebibytes(std::uint64_t n) {
  return {n * 1024 * 1024};
}
constexpr ByteCount gibibytes(std::uint64_t n) {
  return {n * 1024 * 1024 * 1024};
}

}  // namespace relay
