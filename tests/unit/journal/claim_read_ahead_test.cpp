// Deliveries that were read with those of an earlier claim: nothing comes out of it that was claimed otherwise, ended,
// taken away or put behind others meanwhile.
#include "journal/claim_read_ahead.hpp"

#include "operator_fixture.hpp"

namespace relay {
namespace {

class ReadAheadTest : public OperatorTest {
 protected:
  // So many queued ones, of which the first four are delivered one by one, as a lane does it; three more are read ahead
  // then.
  std::vector<SubmissionId> drained(int count) {
    std::vector<SubmissionId> made;
    for (int i = 0; i < count; ++i) made.push_back(append_ok(small("payload " + std::to_string(i))));
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(settle(claim_one().token, delivered()).ok());
    return made;
  }
  std::vector<SubmissionId> rest() {
    std::vector<SubmissionId> found;
    for (auto claims = journal->claim("cloud", 1); !claims.empty(); claims = journal->claim("cloud", 1)) {
      found.push_back(claims.front().submission.id);
    }
    return found;
  }
};

TEST_F(ReadAheadTest, ADrainGetsEachOnceInOrder) {
  open();
  const auto made = drained(200);
  EXPECT_EQ(rest(), std::vector(made.begin() + 4, made.end()));
}

TEST_F(ReadAheadTest, WhatAProbeTookAndDeliveredIsntGivenOutAgain) {
  open();
  const auto made = drained(7);
  const auto probe = journal->claim_probe("cloud", {.end = ClaimEnd::newest});
  ASSERT_TRUE(probe.has_value());
  ASSERT_EQ(probe->submission.id, made[6]);
  ASSERT_TRUE(settle(probe->token, delivered()).ok());
  EXPECT_EQ(rest(), (std::vector{made[4], made[5]}));
}

TEST_F(ReadAheadTest, WhatAnOperatorTookAwayIsntGivenOut) {
  open();
  const auto made = drained(7);
  ASSERT_TRUE(act(SubmissionAction::discard, made[4], "cloud", "by a test").ok());
  ASSERT_TRUE(redirect({made[6]}).ok());
  EXPECT_EQ(rest(), std::vector{made[5]});
}

TEST_F(ReadAheadTest, WhatIsPutOffGoesBackToItsPlaceBeforeWhatWasReadAhead) {
  open();
  const auto made = drained(7);
  const Claim claim = claim_one();
  ASSERT_TRUE(settle(claim.token, try_again(Outcome::unknown)).ok());
  EXPECT_EQ(rest(), std::vector(made.begin() + 4, made.end()));
}

TEST_F(ReadAheadTest, AfterAPauseNothingComesOutOfIt) {
  open();
  const auto made = drained(7);
  ASSERT_TRUE(pause("cloud").ok());
  EXPECT_TRUE(rest().empty());
  ASSERT_TRUE(resume("cloud").ok());
  EXPECT_EQ(rest(), std::vector(made.begin() + 4, made.end()));
}

TEST_F(ReadAheadTest, ARetryThatComesDueIsBeforeWhatWasReadAheadLongAgo) {
  open();
  const auto made = drained(9);
  ASSERT_TRUE(
      settle(claim_one().token, try_again(Outcome::try_later, clock.wall_now() + std::chrono::seconds(1))).ok());
  EXPECT_EQ(claim_one().submission.id, made[5]);
  EXPECT_EQ(claim_one().submission.id, made[6]);
  clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(claim_one().submission.id, made[4]);
}

TEST_F(ReadAheadTest, ItsPayloadIsHeldToItsDigestLikeEveryOther) {
  open();
  drained(7);
  const Claim claim = claim_one();
  const auto payload = journal->payload(claim);
  const auto bytes = payload->read(0, 1000);
  ASSERT_TRUE(bytes.ok());
  EXPECT_EQ(*bytes, "payload 4");
  EXPECT_EQ(sha256(*bytes), claim.submission.sha256);
}

}  // namespace
}  // namespace relay
