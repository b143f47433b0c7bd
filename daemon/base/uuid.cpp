#include "base/uuid.hpp"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "base/digest.hpp"
#include "base/file.hpp"

namespace relay {
namespace {

constexpr unsigned counter_bits = 26;
constexpr std::uint32_t counter_limit = 1U << counter_bits;

// Where a millisecond's counting begins: random, so that ids can't be guessed from one another, with the upper half
// left free to count (RFC 9562 section 6.2, method 1).
std::uint32_t counter_start(std::string_view random) {
  std::uint32_t value = 0;
  std::memcpy(&value, random.data(), sizeof value);
  return value % (counter_limit / 2);
}

// Random bytes are asked for many ids at a time: the operating system's answer costs more than the rest of an id.
class RandomSupply {
 public:
  // Valid until the next call.
  std::string_view take(std::size_t n) {
    if (bytes_.size() - taken_ < n) {
      bytes_ = random_bytes(64 * n);
      taken_ = 0;
    }
    taken_ += n;
    return std::string_view(bytes_).substr(taken_ - n, n);
  }

 private:
  std::string bytes_;
  std::size_t taken_ = 0;
};

}  // namespace

std::string Uuid::text() const {
  std::string text = hex_encode({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  text.reserve(36);
  for (const std::size_t dash : {8U, 13U, 18U, 23U}) text.insert(dash, 1, '-');
  return text;
}

std::optional<Uuid> Uuid::parse(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  std::string hex;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash_here = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash_here != (text[i] == '-')) return std::nullopt;
    if (!dash_here) hex += text[i];
  }
  const auto decoded = hex_decode(hex);
  if (!decoded) return std::nullopt;
  Uuid uuid;
  std::copy(decoded->begin(), decoded->end(), uuid.bytes.begin());
  return uuid;
}

Uuid UuidGenerator::next() {
  thread_local RandomSupply supply;
  const std::string_view random = supply.take(10);
  std::uint64_t milliseconds = 0;
  std::uint32_t counter = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto now = static_cast<std::uint64_t>(clock_.wall_now().time_since_epoch().count());
    if (now > last_milliseconds_) {
      last_milliseconds_ = now;
      counter_ = counter_start(random);
    } else if (++counter_ == counter_limit) {
      ++last_milliseconds_;  // the counter is used up: borrow from the future
      counter_ = counter_start(random);
    }
    milliseconds = last_milliseconds_;
    counter = counter_;
  }

  Uuid uuid;
  for (unsigned i = 0; i < 6; ++i) uuid.bytes[i] = static_cast<std::uint8_t>(milliseconds >> (40 - 8 * i));
  uuid.bytes[6] = static_cast<std::uint8_t>(0x70 | (counter >> 22));           // version, 4 bits
  uuid.bytes[7] = static_cast<std::uint8_t>(counter >> 14);                    // 8 bits
  uuid.bytes[8] = static_cast<std::uint8_t>(0x80 | ((counter >> 8) & 0x3FU));  // variant, 6 bits
  uuid.bytes[9] = static_cast<std::uint8_t>(counter);                          // 8 bits
  std::copy_n(random.begin() + 4, 6, uuid.bytes.begin() + 10);
  return uuid;
}

std::string random_bytes(std::size_t n) {
  std::string bytes(n, '\0');
  std::size_t filled = 0;
  while (filled < n) {
    const ssize_t got = ::getrandom(bytes.data() + filled, n - filled, 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      throw std::runtime_error("the operating system gives no random bytes (getrandom): " + error_text(errno));
    }
    filled += static_cast<std::size_t>(got);
  }
  return bytes;
}

}  // namespace relay
