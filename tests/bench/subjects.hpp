// What is measured by itself: the code that every submission goes through, a call at a time, with the same input each
// time. Instruction counts (instruction_counts.cpp) and times (micro_benchmarks.cpp) are taken of the same list.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace relay::bench {

struct Subject {
  std::string name;
  std::size_t calls = 0;  // enough for a count that is steady
  // Makes what the call needs, for that many calls, and gives the call. What it made goes with the function.
  std::function<std::function<void()>(std::size_t calls)> prepare;
};

std::vector<Subject> all_subjects();

}  // namespace relay::bench
