#include <cstdio>
#include <cstdlib>

#include "fuzz/targets.hpp"

namespace relay::fuzz {

void require(bool holds, const char* promise) {
  if (holds) return;
  std::fprintf(stderr, "doesn't hold: %s\n", promise);
  std::abort();
}

}  // namespace relay::fuzz
