// Runs each subject under callgrind, counting nothing but its calls: a dump each, named after it.
// tests/bench/instructions starts this program and reads the dumps; it prints how many calls each dump is of.
#include <valgrind/callgrind.h>

#include <iostream>

#include "bench/subjects.hpp"

int main() {
  for (const auto& subject : relay::bench::all_subjects()) {
    const auto call = subject.prepare(subject.calls + 1);
    call();  // what only the first call does isn't counted
    CALLGRIND_ZERO_STATS;
    CALLGRIND_START_INSTRUMENTATION;
    for (std::size_t i = 0; i < subject.calls; ++i) call();
    CALLGRIND_STOP_INSTRUMENTATION;
    CALLGRIND_DUMP_STATS_AT(subject.name.c_str());
    std::cout << subject.name << ' ' << subject.calls << std::endl;
  }
}
