// Who wakes a lane and when: once for all that comes before it looks, and for new work only where it has room.
#include "forwarder/lane_mailbox.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

class LaneMailboxTest : public testing::Test {
 protected:
  int wakes = 0;
  const std::shared_ptr<LaneMailbox> mailbox = std::make_shared<LaneMailbox>([this] { ++wakes; });
};

TEST_F(LaneMailboxTest, OneWakeForAllThatComesBeforeTheLaneLooks) {
  mailbox->new_work();
  mailbox->resume();
  mailbox->settled({});
  EXPECT_EQ(wakes, 1);
  const LaneMail mail = mailbox->take();
  EXPECT_TRUE(mail.new_work && mail.resume);
  EXPECT_EQ(mail.settlements.size(), 1U);
  mailbox->settled({});
  EXPECT_EQ(wakes, 2);
}

TEST_F(LaneMailboxTest, NewWorkWaitsWhereTheLaneHasNoRoomAndComesWithTheNextNews) {
  mailbox->want_new_work(false);
  mailbox->new_work();
  EXPECT_EQ(wakes, 0);
  EXPECT_FALSE(mailbox->empty()) << "a lane that is about to wait sees it";
  mailbox->settled({});
  EXPECT_EQ(wakes, 1) << "what waits there is no wake that was given already";
  EXPECT_TRUE(mailbox->take().new_work);
  mailbox->want_new_work(true);
  mailbox->new_work();
  EXPECT_EQ(wakes, 2);
}

TEST_F(LaneMailboxTest, WhatACommitBringsWakesAtItsEnd) {
  {
    const HandOver answers;
    mailbox->settled({});
    mailbox->settled({});
    EXPECT_EQ(wakes, 0);
  }
  EXPECT_EQ(wakes, 1);
  EXPECT_EQ(mailbox->take().settlements.size(), 2U);
}

TEST_F(LaneMailboxTest, AfterItsEndNobodyIsWoken) {
  {
    const HandOver answers;
    mailbox->settled({});
    mailbox->close();
  }
  mailbox->take();
  mailbox->settled({});
  EXPECT_EQ(wakes, 0);
}

}  // namespace
}  // namespace relay
