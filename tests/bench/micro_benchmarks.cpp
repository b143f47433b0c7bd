// Times of the same subjects as the instruction counts: Google Benchmark's own options and tables.
#include <benchmark/benchmark.h>

#include "bench/subjects.hpp"

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  for (const auto& subject : relay::bench::all_subjects()) {
    benchmark::RegisterBenchmark(subject.name.c_str(), [subject](benchmark::State& state) {
      const auto call = subject.prepare(static_cast<std::size_t>(state.max_iterations));
      for ([[maybe_unused]] const auto each : state) call();
    })->UseRealTime();
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
