// A load on one server from one thread: every connection keeps so many writes under way, or all of them together keep
// to a rate. One epoll loop for every protocol, so that the generator's own cost is the same whatever is measured.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "bench/load_protocols.hpp"

namespace relay::bench {

struct LoadOptions {
  std::uint16_t port = 0;
  unsigned connections = 1;
  unsigned in_flight = 1;  // of each connection
  // Writes a second over all connections, each timed from when it was due: a server that stalls can't make the load
  // wait and so hide it. 0: the next one as soon as an answer has come.
  double rate = 0;
  std::chrono::milliseconds warm_up{0};  // answers in it aren't measured
  std::chrono::milliseconds measured{1000};
};

struct LoadResult {
  std::uint64_t answered = 0;  // all of them, warm-up and tail too: what the server must hold
  std::uint64_t measured = 0;
  std::chrono::duration<double> wall{};
  std::chrono::duration<double> own_cpu{};  // what the generator itself cost
  std::vector<std::uint32_t> microseconds;  // of each measured answer, ascending
};

// Returns once every write has its answer. Throws where one was refused or a connection ended.
LoadResult run_load(const LoadOptions& options, const std::function<std::unique_ptr<LoadProtocol>()>& protocol);

}  // namespace relay::bench
