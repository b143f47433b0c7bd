// What libFuzzer calls; compiled once for each target, RELAY_FUZZ_TARGET being its function.
#include <cstddef>
#include <cstdint>

#include "fuzz/targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  relay::fuzz::RELAY_FUZZ_TARGET({reinterpret_cast<const char*>(data), size});
  return 0;
}
