#include "forwarder/probe_rotation.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

Submission submission(std::size_t number, const std::string& client) {
  Submission made;
  made.id.bytes[14] = static_cast<std::uint8_t>(number >> 8U);
  made.id.bytes[15] = static_cast<std::uint8_t>(number);
  made.client = client;
  return made;
}

TEST(ProbeRotation, TakesTheClientNeverProbedThenTheOneProbedLongestAgo) {
  ProbeRotation rotation;
  EXPECT_EQ(rotation.next_client({}), std::nullopt);
  EXPECT_EQ(rotation.next_client({"b", "a"}), "b") << "in the order in which they wait";
  rotation.probed(submission(1, "b"));
  EXPECT_EQ(rotation.next_client({"b", "a", "c"}), "a");
  rotation.probed(submission(2, "a"));
  rotation.probed(submission(3, "c"));
  EXPECT_EQ(rotation.next_client({"b", "a", "c"}), "b");
  rotation.probed(submission(4, "b"));
  EXPECT_EQ(rotation.next_client({"b", "c"}), "c") << "a waits for nothing now";
  EXPECT_EQ(rotation.next_client({"b"}), "b");
}

TEST(ProbeRotation, RemembersTheLastSubmissionsAndNoMore) {
  ProbeRotation rotation;
  for (std::size_t i = 0; i <= ProbeRotation::remembered_submissions; ++i) rotation.probed(submission(i, "a"));
  EXPECT_FALSE(rotation.lately(submission(0, "a").id));
  EXPECT_TRUE(rotation.lately(submission(1, "a").id));
  EXPECT_TRUE(rotation.lately(submission(ProbeRotation::remembered_submissions, "a").id));
  rotation.forget_submissions();
  EXPECT_FALSE(rotation.lately(submission(1, "a").id));
}

TEST(ProbeRotation, MemoryOfClientsIsBounded) {
  ProbeRotation rotation;
  for (std::size_t i = 0; i <= ProbeRotation::remembered_clients; ++i)
    rotation.probed(submission(i, "client-" + std::to_string(i)));
  EXPECT_EQ(rotation.next_client({"client-1", "client-0"}), "client-0") << "forgotten, so it counts as never probed";
}

}  // namespace
}  // namespace relay
