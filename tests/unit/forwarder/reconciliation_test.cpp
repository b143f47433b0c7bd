// When absence is believed.
#include <gtest/gtest.h>

#include "base/uuid.hpp"
#include "forwarder/reconciliation.hpp"

namespace relay {
namespace {

using namespace std::chrono_literals;

class ReconciliationTest : public testing::Test {
 protected:
  SubmissionId id{};
  WallTime began{};
  MonotonicTime ended{1h};
  Reconciliation reconciliation;
};

TEST_F(ReconciliationTest, OneLookIsNeverEnough) {
  reconciliation.unanswered(id, began, ended);
  EXPECT_EQ(reconciliation.absent(id, ended + 1h), Reconciliation::between_looks);
  EXPECT_EQ(reconciliation.absent(id, ended + 1h + 1s), std::nullopt);
}

TEST_F(ReconciliationTest, TheLastOfTwoLooksComesTenMinutesAfterTheTryEnded) {
  reconciliation.unanswered(id, began, ended);
  EXPECT_EQ(reconciliation.absent(id, ended + 1s), 10min - 1s);
  EXPECT_EQ(reconciliation.absent(id, ended + 5min), 5min);
  EXPECT_EQ(reconciliation.absent(id, ended + 10min - 1ms), 1ms);
  EXPECT_EQ(reconciliation.absent(id, ended + 10min), std::nullopt);
}

TEST_F(ReconciliationTest, AnotherTryWithoutAnAnswerBeginsItAnew) {
  reconciliation.unanswered(id, began, ended);
  reconciliation.absent(id, ended + 1s);
  reconciliation.unanswered(id, began + 20min, ended + 20min);
  EXPECT_EQ(reconciliation.doubt(id)->since, began) << "the list is searched from the first of them on";
  EXPECT_EQ(reconciliation.absent(id, ended + 30min), Reconciliation::between_looks);
}

TEST_F(ReconciliationTest, WhatIsntRememberedIsNeverBelievedAbsent) {
  EXPECT_EQ(reconciliation.absent(id, ended + 24h), Reconciliation::between_looks);
  EXPECT_TRUE(reconciliation.worth_waiting(id, ended));
  reconciliation.unanswered(id, began, ended);
  reconciliation.ended(id);
  EXPECT_FALSE(reconciliation.doubt(id));
}

TEST_F(ReconciliationTest, ALookThatCantBeMadeIsGivenUpInTheEnd) {
  reconciliation.unanswered(id, began, ended);
  EXPECT_TRUE(reconciliation.worth_waiting(id, ended + 1h));
  EXPECT_FALSE(reconciliation.worth_waiting(id, ended + 2h));
}

TEST_F(ReconciliationTest, ItsMemoryIsBounded) {
  UuidGenerator ids(system_clock());
  const SubmissionId first = ids.next();
  reconciliation.unanswered(first, began, ended);
  for (std::size_t i = 0; i < Reconciliation::most; ++i) reconciliation.unanswered(ids.next(), began, ended);
  EXPECT_FALSE(reconciliation.doubt(first));
}

}  // namespace
}  // namespace relay
