// The order in which the writer takes what waits: what frees a delivery first, then arrivals within a bound.
#include "journal/inbox.hpp"

#include <gtest/gtest.h>

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

 private:
  int mark_;
  Urgency urgency_;
  ByteCount weight_;
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
  for (int i = 0; i < 5; ++i) inbox.post(std::make_unique<Marked>(i, Command::Urgency::arrival, kibibytes(700)));
  inbox.post(std::make_unique<Marked>(9, Command::Urgency::arrival, mebibytes(60)));
  EXPECT_EQ(marks(inbox.take(no_patience).arrivals), (std::vector{0, 1}));
  EXPECT_EQ(marks(inbox.take(no_patience).arrivals), (std::vector{2, 3}));
  EXPECT_EQ(marks(inbox.take(no_patience).arrivals), std::vector{4});
  EXPECT_EQ(marks(inbox.take(no_patience).arrivals), std::vector{9}) << "one that is beyond the bound goes alone";
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

}  // namespace
}  // namespace relay
