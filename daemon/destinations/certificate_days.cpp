#include "destinations/certificate_days.hpp"

#include <algorithm>
#include <chrono>
#include <string>

namespace relay {

ProbeFinding certificate_days(WallTime end, WallTime now) {
  const auto left = std::max<std::int64_t>(0, std::chrono::floor<std::chrono::days>(end - now).count());
  return {ProbeFinding::Kind::good,
          "TLS: the certificate holds, for another " + std::to_string(left) + (left == 1 ? " day" : " days")};
}

}  // namespace relay
