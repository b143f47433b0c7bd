#include "base/uuid.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>
#include <vector>

namespace relay {
namespace {

class SetClock final : public Clock {
 public:
  WallTime wall_now() const override { return now; }
  MonotonicTime monotonic_now() const override { return {}; }
  WallTime now{std::chrono::milliseconds(0x0190'0000'0001)};
};

std::uint64_t milliseconds_of(const Uuid& id) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < 6; ++i) value = value << 8 | id.bytes[i];
  return value;
}

TEST(Uuid, HasVersionSevenItsVariantAndTheTime) {
  SetClock clock;
  UuidGenerator generator(clock);
  const Uuid id = generator.next();
  EXPECT_EQ(id.bytes[6] >> 4, 7);
  EXPECT_EQ(id.bytes[8] >> 6, 0b10);
  EXPECT_EQ(milliseconds_of(id), 0x0190'0000'0001U);
}

TEST(Uuid, TextAndBackIsTheSame) {
  const std::string text = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";  // RFC 9562 appendix A.6
  const auto id = Uuid::parse(text);
  ASSERT_TRUE(id);
  EXPECT_EQ(id->bytes[0], 0x01);
  EXPECT_EQ(id->bytes[15], 0x8f);
  EXPECT_EQ(id->text(), text);
  EXPECT_EQ(Uuid::parse("017F22E2-79B0-7CC3-98C4-DC0C0C07398F"), id);
}

TEST(Uuid, ParseTakesNothingElse) {
  for (const char* text : {"", "017f22e279b07cc398c4dc0c0c07398f", "{017f22e2-79b0-7cc3-98c4-dc0c0c07398f}",
                           "017f22e2-79b0-7cc3-98c4-dc0c0c07398", "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
                           "017f22e2-79b0-7cc3-98c4-dc0c0c07398g", "017f22e27-9b0-7cc3-98c4-dc0c0c07398f",
                           "017f22e2-79b0-7cc3-98c4_dc0c0c07398f", "------------------------------------"}) {
    EXPECT_FALSE(Uuid::parse(text)) << text;
  }
}

TEST(UuidGenerator, IdsGrowWithinOneMillisecond) {
  SetClock clock;
  UuidGenerator generator(clock);
  Uuid last = generator.next();
  for (int i = 0; i < 20'000; ++i) {
    const Uuid next = generator.next();
    ASSERT_LT(last, next);
    last = next;
  }
  EXPECT_EQ(milliseconds_of(last), 0x0190'0000'0001U);
}

TEST(UuidGenerator, IdsGrowWhenTheClockIsSetBack) {
  SetClock clock;
  UuidGenerator generator(clock);
  Uuid last = generator.next();
  clock.now -= std::chrono::hours(24);
  for (int i = 0; i < 100; ++i) {
    const Uuid next = generator.next();
    ASSERT_LT(last, next);
    last = next;
    clock.now -= std::chrono::milliseconds(7);
  }
  clock.now += std::chrono::hours(48);
  EXPECT_LT(last, generator.next());
}

TEST(UuidGenerator, TextsSortAsTheIdsDo) {
  SetClock clock;
  UuidGenerator generator(clock);
  std::string last = generator.next().text();
  for (int i = 0; i < 1'000; ++i) {
    if (i % 10 == 0) clock.now += std::chrono::milliseconds(1);
    const std::string next = generator.next().text();
    ASSERT_LT(last, next);
    last = next;
  }
}

TEST(UuidGenerator, ManyThreadsGetDifferentIdsEachGrowing) {
  UuidGenerator generator(system_clock());
  constexpr std::size_t threads = 8;
  constexpr std::size_t each = 5'000;
  std::vector<std::vector<Uuid>> made(threads);
  {
    std::vector<std::jthread> running;
    for (std::size_t t = 0; t < threads; ++t) {
      running.emplace_back([&generator, &mine = made[t]] {
        for (std::size_t i = 0; i < each; ++i) mine.push_back(generator.next());
      });
    }
  }
  std::set<Uuid> all;
  for (const auto& mine : made) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    all.insert(mine.begin(), mine.end());
  }
  EXPECT_EQ(all.size(), threads * each);
}

TEST(RandomBytes, AreAsManyAsAskedForAndDiffer) {
  EXPECT_TRUE(random_bytes(0).empty());
  EXPECT_EQ(random_bytes(1'000).size(), 1'000U);
  EXPECT_NE(random_bytes(32), random_bytes(32));
}

}  // namespace
}  // namespace relay
