#include "forwarder/schedule.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

using namespace std::chrono_literals;

const BackoffSettings backoff{1s, 5min, std::nullopt};

TEST(Schedule, TheBoundDoublesWithEveryFailureAndStopsAtItsMaximum) {
  struct Row {
    unsigned failures;
    std::chrono::milliseconds bound;
  };
  const Row rows[] = {{0, 1s}, {1, 2s}, {2, 4s}, {5, 32s}, {8, 256s}, {9, 300s}, {10, 300s}, {4'000'000'000U, 300s}};
  for (const auto& [failures, bound] : rows) EXPECT_EQ(backoff_bound(backoff, failures), bound) << failures;
}

TEST(Schedule, AnInitialWaitBeyondTheMaximumIsTheMaximum) {
  EXPECT_EQ(backoff_bound({10min, 5min, std::nullopt}, 0), 5min);
}

TEST(Schedule, TheLargestWaitDoesNotOverflow) {
  const auto largest = std::chrono::milliseconds::max();
  EXPECT_EQ(backoff_bound({1s, largest, std::nullopt}, 200), largest);
}

TEST(Schedule, NoInitialWaitStaysNone) {
  EXPECT_EQ(backoff_bound({0ms, 5min, std::nullopt}, 1'000'000), 0ms);
}

TEST(Schedule, FullJitterReachesFromNothingToTheBound) {
  EXPECT_EQ(backoff_delay(backoff, 3, [] { return 0.0; }), 0ms);
  EXPECT_EQ(backoff_delay(backoff, 3, [] { return 0.5; }), 4s);
  EXPECT_LE(backoff_delay(backoff, 3, [] { return 0.9999999; }), 8s);
}

TEST(Schedule, RandomJitterStaysInItsRangeAndVaries) {
  const Jitter jitter = random_jitter();
  double least = 1;
  double most = 0;
  for (int i = 0; i < 1000; ++i) {
    const double value = jitter();
    ASSERT_GE(value, 0.0);
    ASSERT_LT(value, 1.0);
    least = std::min(least, value);
    most = std::max(most, value);
  }
  EXPECT_LT(least, 0.1);
  EXPECT_GT(most, 0.9);
}

}  // namespace
}  // namespace relay
