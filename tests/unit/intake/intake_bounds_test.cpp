// The bounds that keep a flood of senders from filling memory and logs.
#include <gtest/gtest.h>

#include "intake/memory_budget.hpp"
#include "intake/refusal_log.hpp"
#include "support/stepped_clock.hpp"

namespace relay {
namespace {

TEST(MemoryBudget, GivesNoMoreThanItHasAndTakesItBack) {
  MemoryBudget budget(ByteCount{100});
  MemoryLease first(budget);
  EXPECT_TRUE(first.grow_to(ByteCount{60}));
  {
    MemoryLease second(budget);
    EXPECT_TRUE(second.grow_to(ByteCount{40}));
    EXPECT_FALSE(second.grow_to(ByteCount{41}));
    EXPECT_FALSE(first.grow_to(ByteCount{61}));
    EXPECT_TRUE(first.grow_to(ByteCount{10})) << "what is held already needs nothing more";
    EXPECT_EQ(budget.used(), ByteCount{100});
  }
  EXPECT_TRUE(first.grow_to(ByteCount{100}));
  first.end();
  EXPECT_EQ(budget.used(), ByteCount{0});
}

TEST(MemoryBudget, LetsOnePayloadAloneBeLargerThanItself) {
  MemoryBudget budget(ByteCount{10});
  MemoryLease alone(budget);
  EXPECT_TRUE(alone.grow_to(ByteCount{5}));
  EXPECT_TRUE(alone.grow_to(ByteCount{50}));
  MemoryLease other(budget);
  EXPECT_FALSE(other.grow_to(ByteCount{1}));
}

TEST(RefusalLog, TellsEachReasonAtOnceAndThenHowManyThereWere) {
  SteppedClock clock(WallTime{});
  RefusalLog log(clock);
  EXPECT_EQ(log.due(Intake::http, ProblemName::no_route), 1UL);
  for (int i = 0; i < 41; ++i) EXPECT_EQ(log.due(Intake::http, ProblemName::no_route), std::nullopt);
  EXPECT_EQ(log.due(Intake::http, ProblemName::disk_low), 1UL) << "another reason doesn't wait";
  EXPECT_EQ(log.due(Intake::submit, ProblemName::no_route), 1UL) << "nor does another door";
  clock.advance(std::chrono::seconds(11));
  EXPECT_EQ(log.due(Intake::http, ProblemName::no_route), 42UL);
}

}  // namespace
}  // namespace relay
