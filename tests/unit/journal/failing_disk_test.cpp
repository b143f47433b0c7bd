// A disk that fails below a running journal: appends are refused, what a lane was told is kept and saved later and is
// never sent twice, and the journal takes submissions again by itself.
#include <sqlite3.h>

#include "journal_fixture.hpp"
#include "support/fault_vfs.hpp"

namespace relay {
namespace {

class FailingDiskTest : public JournalTest {
 protected:
  FailingDiskTest() { options.vfs = disk.name(); }
  ~FailingDiskTest() override {
    disk.heal();
    journal.reset();
  }
  void fail_from_now_on(FaultyOperation operation, Fault::Kind kind = Fault::Kind::io_error) {
    disk.plan({.operation = operation, .nth = 1, .kind = kind, .from_then_on = true});
  }
  // Time for the writer to try again; appends until one is taken.
  void heal_and_wait() {
    disk.heal();
    do {
      clock.advance(std::chrono::seconds(2));
    } while (!append(small("goes on")).ok());
  }
  void expect_outcome_is_kept(AppendRefusal refusal) {
    const auto refused_append = append(small("refused"));
    ASSERT_FALSE(refused_append.ok());
    EXPECT_EQ(refused_append.error(), refusal);
    const auto settled = settle(claim.token, delivered());
    ASSERT_FALSE(settled.ok());
    EXPECT_EQ(settled.error(), SettleRefusal::journal_failing);
    EXPECT_TRUE(journal->claim("cloud", 10).empty()) << "nothing more is sent whose outcome couldn't be saved";
    EXPECT_FALSE(settle(claim.token, delivered()).ok());
    heal_and_wait();
    EXPECT_EQ(view(claim.submission.id).state, SubmissionState::delivered);
    EXPECT_EQ(totals().delivered, 1u);
    for (const Claim& next : journal->claim("cloud", 10)) EXPECT_NE(next.submission.id, claim.submission.id);
    expect_promise_7(*journal->snapshot());
    EXPECT_FALSE(journal->condition().refusing.has_value());
  }

  FaultVfs disk{sqlite3_vfs_find(nullptr)->zName};
  Claim claim;
};

TEST_F(FailingDiskTest, AfterAFailedSyncNothingIsTakenUntilTheWalCouldBeWrittenBack) {
  open();
  append_ok(small("payload"));
  append_ok(small("another"));
  claim = claim_one();
  fail_from_now_on(FaultyOperation::sync);
  expect_outcome_is_kept(AppendRefusal::journal_failing);
  reopen();
  EXPECT_EQ(totals().delivered, 1u);
}

// The next sync succeeds, and says nothing of what the failed one lost.
TEST_F(FailingDiskTest, NothingIsAppendedBehindAFailedSyncUntilTheWalCouldBeEmptied) {
  open();
  append_ok(small("payload"));
  fail_from_now_on(FaultyOperation::sync);
  EXPECT_FALSE(append(small("lost")).ok());
  fail_from_now_on(FaultyOperation::truncate);
  for (int i = 0; i < 5; ++i) {
    clock.advance(std::chrono::seconds(2));
    const auto behind = append(small("behind the hole"));
    ASSERT_FALSE(behind.ok());
    EXPECT_EQ(behind.error(), AppendRefusal::journal_failing);
  }
  heal_and_wait();
  reopen();
  EXPECT_EQ(totals().accepted, 2u);
}

TEST_F(FailingDiskTest, WhileItFailsTheConditionSaysWhy) {
  open();
  fail_from_now_on(FaultyOperation::sync);
  EXPECT_FALSE(append(small("payload")).ok());
  EXPECT_EQ(journal->admission({1}), AppendRefusal::journal_failing);
  EXPECT_EQ(journal->condition().refusing, AppendRefusal::journal_failing);
  EXPECT_NE(journal->condition().reason.find("can't be written"), std::string::npos);
  heal_and_wait();
}

TEST_F(FailingDiskTest, AFullDiskRefusesAppendsAndKeepsWhatWasTold) {
  open();
  append_ok(small("payload"));
  append_ok(small("another"));
  claim = claim_one();
  fail_from_now_on(FaultyOperation::write, Fault::Kind::disk_full);
  expect_outcome_is_kept(AppendRefusal::disk_low);
}

TEST_F(FailingDiskTest, WhatDoesntFitWithArrivalsIsSavedAlone) {
  open();
  append_ok(small("payload"));
  claim = claim_one();
  disk.plan({.operation = FaultyOperation::write, .nth = 1, .kind = Fault::Kind::disk_full});
  EXPECT_TRUE(settle(claim.token, delivered()).ok());
  EXPECT_EQ(disk.failures(), 1u);
  EXPECT_EQ(totals().delivered, 1u);
}

TEST_F(FailingDiskTest, AFullDiskIsLeftAloneForASecond) {
  open();
  append_ok(small("payload"));
  disk.plan({.operation = FaultyOperation::write, .nth = 1, .kind = Fault::Kind::disk_full});
  EXPECT_FALSE(append(small("doesn't fit")).ok());
  EXPECT_EQ(journal->admission({1}), AppendRefusal::disk_low);
  const auto at_once = append(small("too soon"));
  ASSERT_FALSE(at_once.ok());
  EXPECT_EQ(at_once.error(), AppendRefusal::disk_low);
  clock.advance(std::chrono::seconds(2));
  append_ok(small("fits"));
}

TEST_F(FailingDiskTest, OneWriteThatFailsCostsOneBatch) {
  open();
  append_ok(small("with what the writer has to write at its start"));
  disk.plan({.operation = FaultyOperation::write, .nth = 1});
  EXPECT_FALSE(append(small("payload")).ok());
  heal_and_wait();
  EXPECT_EQ(totals().accepted, 2u);
  reopen();
  EXPECT_EQ(totals().accepted, 2u);
}

}  // namespace
}  // namespace relay
