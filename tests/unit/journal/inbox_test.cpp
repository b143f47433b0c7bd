// The order in which the writer takes what waits: what frees a delivery first, then arrivals within a bound.
#include "journal/inbox.hpp"

#include <gtest/gtest.h>

#include <future>

namespace relay {
namespace {

class Marked : public Command {
 public:
  Marked(int mark, Urgency urgency, ByteCount weight = {0}) : mark_(mark), urgency_(urgency), weight_(weight) {}
  int mark() const { return mark_; }
  Urgency urgency() const override { return urgency_; }
  ByteCount weight() const override { return weight_; }
  void apply(WriteTransaction&) override {}
  void committed() override {}
  Fate not_saved(AppendRefusal) override { return Fate::done; }
  bool may_wait() const override { return may_wait_; }
  std::unique_ptr<Marked> waiting() && {
    may_wait_ = true;
    return std::make_unique<Marked>(std::move(*this));
  }

 private:
  int mark_;
  Urgency urgency_;
  ByteCount weight_;
  bool may_wait_ = false;
};

std::vector<int> marks(const std::vector<std::unique_ptr<Command>>& commands) {
  std::vector<int> found;
  for (const auto& command : commands) found.push_back(dynamic_cast<const Marked&>(*command).mark());
  return found;
}

constexpr std::chrono::milliseconds no_patience{0};

TEST(Inbox, SettlementsComeWholeAndBeforeTheArrivalsThatWereEarlier) {
  Inbox inbox;
  inbox.post(std::make_unique<Marked>(1, Command::Urgency::arrival));
  inbox.post(std::make_unique<Marked>(2, Command::Urgency::first));
  inbox.post(std::make_unique<Marked>(3, Command::Urgency::arrival));
  inbox.post(std::make_unique<Marked>(4, Command::Urgency::first));
  const auto batch = inbox.take(no_patience);
  EXPECT_EQ(marks(batch.first), (std::vector{2, 4}));
  EXPECT_EQ(marks(batch.arrivals), (std::vector{1, 3}));
}

TEST(Inbox, ArrivalsAreBoundedByBytesAndTheRestWaits) {
  Inbox inbox;
  for (int i = 0; i < 70; ++i) inbox.post(std::make_unique<Marked>(i, Command::Urgency::arrival, kibibytes(60)));
  inbox.post(std::make_unique<Marked>(99, Command::Urgency::arrival, mebibytes(60)));
  EXPECT_EQ(inbox.take(no_patience).arrivals.size(), 34U) << "34 × 60 KiB are within 2 MiB";
  EXPECT_EQ(inbox.take(no_patience).arrivals.size(), 34U);
  EXPECT_EQ(marks(inbox.take(no_patience).arrivals), (std::vector{68, 69}));
  EXPECT_EQ(marks(inbox.take(no_patience).arrivals), std::vector{99}) << "one that is beyond the bound goes alone";
}

TEST(Inbox, SmallSubmissionsPassTheChunksOfALargeOneWhichKeepTheirOrder) {
  Inbox inbox;
  for (int i = 0; i < 4; ++i) inbox.post(std::make_unique<Marked>(i, Command::Urgency::arrival, kibibytes(256)));
  for (int i = 10; i < 12; ++i) inbox.post(std::make_unique<Marked>(i, Command::Urgency::arrival, kibibytes(2)));
  EXPECT_EQ(marks(inbox.take(no_patience).arrivals), (std::vector{10, 11}));
  inbox.post(std::make_unique<Marked>(12, Command::Urgency::arrival, kibibytes(2)));
  EXPECT_EQ(marks(inbox.take(no_patience).arrivals), (std::vector{0, 12})) << "not for ever";
  inbox.post(std::make_unique<Marked>(13, Command::Urgency::arrival, kibibytes(2)));
  EXPECT_EQ(marks(inbox.take(no_patience).arrivals), std::vector{13});
  EXPECT_EQ(marks(inbox.take(no_patience).arrivals), std::vector{1}) << "one a commit";
  EXPECT_EQ(marks(inbox.take(no_patience).arrivals), std::vector{2});
  EXPECT_EQ(marks(inbox.take(no_patience).arrivals), std::vector{3});
}

TEST(Inbox, WhatWaitsWhenItIsClosedIsStillGivenOut) {
  Inbox inbox;
  for (int i = 0; i < 3; ++i) inbox.post(std::make_unique<Marked>(i, Command::Urgency::arrival, mebibytes(2)));
  inbox.close();
  inbox.post(std::make_unique<Marked>(7, Command::Urgency::first));
  EXPECT_FALSE(inbox.take(no_patience).closed);
  EXPECT_FALSE(inbox.take(no_patience).closed);
  const auto last = inbox.take(no_patience);
  EXPECT_TRUE(last.closed);
  EXPECT_EQ(marks(last.arrivals), std::vector{2});
  EXPECT_TRUE(last.first.empty()) << "nothing comes in after the end";
}

// Longer than any test runs: what is taken was taken for another reason than that time was over.
class GatheringInbox : public testing::Test {
 protected:
  static std::unique_ptr<Command> settlement(int mark) { return Marked(mark, Command::Urgency::first).waiting(); }
  Inbox::Batch take() { return inbox.take(std::chrono::hours(1)); }

  Inbox inbox{std::chrono::hours(1)};
};

TEST_F(GatheringInbox, WhatNobodyWaitsForGoesWithTheNextArrival) {
  inbox.post(settlement(1));
  auto batch = std::async(std::launch::async, [&] { return take(); });
  inbox.post(settlement(2));
  inbox.post(std::make_unique<Marked>(3, Command::Urgency::arrival));
  const auto taken = batch.get();
  EXPECT_EQ(marks(taken.first), (std::vector{1, 2}));
  EXPECT_EQ(marks(taken.arrivals), std::vector{3});
}

TEST_F(GatheringInbox, WhatSomebodyWaitsForIsTakenAtOnceWithWhatMayWait) {
  auto batch = std::async(std::launch::async, [&] {
    Inbox::Batch taken = take();
    return marks(taken.first);
  });
  inbox.post(settlement(1));
  inbox.post(std::make_unique<Marked>(2, Command::Urgency::first));
  EXPECT_EQ(batch.get(), (std::vector{1, 2}));
  inbox.post(settlement(3));
  auto next = std::async(std::launch::async, [&] { return marks(take().first); });
  inbox.post(std::make_unique<Marked>(4, Command::Urgency::first));
  EXPECT_EQ(next.get(), (std::vector{3, 4})) << "the one before doesn't press any more";
}

TEST_F(GatheringInbox, EnoughOfThemAreTakenAtOnce) {
  auto batch = std::async(std::launch::async, [&] { return take().first.size(); });
  for (std::size_t i = 0; i < Inbox::gathered; ++i) inbox.post(settlement(static_cast<int>(i)));
  EXPECT_EQ(batch.get(), Inbox::gathered);
}

TEST_F(GatheringInbox, AWakeAndTheEndDontWaitEither) {
  inbox.post(settlement(1));
  auto woken = std::async(std::launch::async, [&] { return marks(take().first); });
  inbox.wake();
  EXPECT_EQ(woken.get(), std::vector{1});
  inbox.post(settlement(2));
  auto last = std::async(std::launch::async, [&] { return take(); });
  inbox.close();
  const auto taken = last.get();
  EXPECT_EQ(marks(taken.first), std::vector{2});
  EXPECT_TRUE(taken.closed);
}

TEST(Inbox, WhatMayWaitDoesNotWaitForEver) {
  Inbox inbox(std::chrono::milliseconds(1));
  inbox.post(Marked(1, Command::Urgency::first).waiting());
  EXPECT_EQ(marks(inbox.take(std::chrono::hours(1)).first), std::vector{1});
}

}  // namespace
}  // namespace relay
