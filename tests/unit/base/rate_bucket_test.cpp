#include "base/rate_bucket.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

using namespace std::chrono_literals;

TEST(RateBucket, LetsOneSecondsWorthThroughAtOnceThenTheRate) {
  const MonotonicTime start{1h};
  RateBucket bucket(4, start);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(bucket.take(start));
  EXPECT_FALSE(bucket.take(start));
  EXPECT_EQ(bucket.wait(start), 250ms);
  EXPECT_FALSE(bucket.take(start + 125ms));
  EXPECT_TRUE(bucket.take(start + 250ms));
  EXPECT_FALSE(bucket.full(start + 1s));
  EXPECT_TRUE(bucket.full(start + 1250ms));
  EXPECT_EQ(bucket.left(start + 1h), 4) << "no more than one second's worth is saved up";
}

TEST(RateBucket, LessThanOneASecondLetsOneThroughAtATime) {
  const MonotonicTime start{1h};
  RateBucket bucket(0.5, start);
  EXPECT_TRUE(bucket.take(start));
  EXPECT_FALSE(bucket.take(start + 1s));
  EXPECT_TRUE(bucket.take(start + 2s));
}

}  // namespace
}  // namespace relay
