#include "intake/client_rates.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

class FixedClock final : public Clock {
 public:
  WallTime wall_now() const override { return WallTime{}; }
  MonotonicTime monotonic_now() const override { return now; }
  MonotonicTime now{std::chrono::hours(1)};
};

TEST(ClientRates, LetsOneSecondsWorthThroughAtOnceThenTheRate) {
  FixedClock clock;
  ClientRates rates({3}, clock);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(rates.take("lab.a"));
  EXPECT_EQ(rates.take("lab.a"), std::chrono::seconds(1));
  clock.now += std::chrono::milliseconds(400);
  EXPECT_FALSE(rates.take("lab.a"));
  EXPECT_TRUE(rates.take("lab.a"));
}

TEST(ClientRates, CountsEachClientByItself) {
  FixedClock clock;
  ClientRates rates({1}, clock);
  EXPECT_FALSE(rates.take("lab.a"));
  EXPECT_TRUE(rates.take("lab.a"));
  EXPECT_FALSE(rates.take("lab.b"));
}

TEST(ClientRates, SaysHowLongToWaitWhereItIsSlow) {
  FixedClock clock;
  ClientRates rates({1.0 / 60}, clock);
  EXPECT_FALSE(rates.take("lab.a"));
  EXPECT_EQ(rates.take("lab.a"), std::chrono::seconds(60));
  clock.now += std::chrono::seconds(60);
  EXPECT_FALSE(rates.take("lab.a"));
}

TEST(ClientRates, ForgetsNamesThatCameOnce) {
  FixedClock clock;
  ClientRates rates({10}, clock);
  for (int i = 0; i < 100'000; ++i) {
    rates.take("lab." + std::to_string(i));
    clock.now += std::chrono::milliseconds(1);
  }
  EXPECT_LT(rates.remembered(), 3'000U);
}

}  // namespace
}  // namespace relay
