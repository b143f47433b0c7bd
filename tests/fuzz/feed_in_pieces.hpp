// A validator's verdict doesn't depend on the pieces in which a payload arrives.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "fuzz/targets.hpp"
#include "intake/payload_validator.hpp"

namespace relay::fuzz {

inline std::optional<std::string> verdict(std::string_view bytes, std::size_t step,
                                          std::unique_ptr<PayloadValidator> validator) {
  for (std::size_t at = 0; at < bytes.size(); at += step) validator->feed(bytes.substr(at, step));
  validator->finish();
  return validator->problem();
}

inline void feed_in_pieces(std::string_view bytes, std::unique_ptr<PayloadValidator> (*make)()) {
  const std::size_t step = 1 + take_byte(bytes) % 8;
  require(verdict(bytes, bytes.size() + 1, make()) == verdict(bytes, step, make()), "pieces don't change the verdict");
}

}  // namespace relay::fuzz
