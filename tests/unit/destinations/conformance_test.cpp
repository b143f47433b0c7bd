// The conformance suite: what the forwarder counts on, whatever the system behind a destination is.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "destinations/registry.hpp"
#include "support/conformance.hpp"
#include "support/memory_payload.hpp"

namespace relay {
namespace {

using namespace std::chrono_literals;

const std::string small_payload = "MSH|^~\\&|LAB||||20261124||ORU^R01|1|P|2.5.1\rPID|1||\xF6\r";

class Conformance : public ::testing::TestWithParam<NamedPeer> {
 protected:
  void SetUp() override {
    peer = GetParam().make();
    destination = make_destination(peer->settings(), "lab-014", system_clock());
  }

  bool be(PeerMood mood) {
    if (!peer->can_be(mood)) return false;
    peer->be(mood);
    return true;
  }

  std::uint64_t start(const Submission& submission, std::shared_ptr<PayloadSource> payload) {
    Delivery delivery;
    delivery.attempt = ++attempts;
    delivery.submission = submission;
    delivery.payload = std::move(payload);
    destination->start(std::move(delivery));
    return attempts;
  }
  std::uint64_t start(const Submission& submission, const std::string& payload) {
    return start(submission, std::make_shared<MemoryPayload>(payload));
  }

  std::vector<DeliveryResult> results(std::size_t count) {
    std::vector<DeliveryResult> all;
    const auto enough = std::chrono::steady_clock::now() + 30s;
    while (all.size() < count && std::chrono::steady_clock::now() < enough)
      for (auto& result : destination->poll(100ms)) all.push_back(std::move(result));
    EXPECT_EQ(all.size(), count) << "results that never came";
    return all;
  }

  template <class Payload>
  AttemptResult deliver(const Submission& submission, Payload payload) {
    const std::uint64_t attempt = start(submission, std::move(payload));
    auto all = results(1);
    if (all.empty()) return {};
    EXPECT_EQ(all.front().attempt, attempt);
    EXPECT_EQ(destination->in_flight(), 0U);
    AttemptResult result = std::move(all.front().result);
    EXPECT_EQ(result.error.has_value(), result.outcome != Outcome::accepted);
    if (result.error) {
      EXPECT_FALSE(result.error->message.empty());
      EXPECT_EQ(result.error->message.find("MSH|"), std::string::npos);
      EXPECT_LE(result.error->remote_text.size(), 4096U);
    }
    return result;
  }

  std::unique_ptr<ConformancePeer> peer;
  std::unique_ptr<Destination> destination;
  std::uint64_t attempts = 0;
};

TEST_P(Conformance, AcceptedIsTakenOverByteForByteWithAReceipt) {
  const auto submission = submission_of(small_payload);
  const auto result = deliver(submission, small_payload);
  EXPECT_EQ(result.outcome, Outcome::accepted);
  EXPECT_FALSE(result.receipt.empty());
  EXPECT_FALSE(result.possibly_delivered);
  EXPECT_EQ(peer->taken(submission), small_payload);
  EXPECT_EQ(peer->times_seen(submission), 1U);
}

TEST_P(Conformance, TheLargestPayloadItSaysItTakesIsTaken) {
  const auto size = std::min<std::uint64_t>(destination->limits().max_payload.value, 5'000'000);
  std::string payload = small_payload;
  while (payload.size() < size) payload += payload.substr(0, static_cast<std::size_t>(size - payload.size()));
  const auto submission = submission_of(payload);
  const auto source = std::make_shared<MemoryPayload>(payload);
  EXPECT_EQ(deliver(submission, source).outcome, Outcome::accepted);
  EXPECT_EQ(peer->taken(submission), payload);
  EXPECT_LE(source->largest_read(), peer->bounded_read()) << "a payload is read in bounded pieces";
}

TEST_P(Conformance, ManyAtOnceAllArriveOnce) {
  std::vector<Submission> submissions;
  for (int i = 0; i < 40; ++i) submissions.push_back(submission_of(small_payload + std::to_string(i)));
  for (int i = 0; i < 40; ++i) start(submissions[static_cast<std::size_t>(i)], small_payload + std::to_string(i));
  EXPECT_EQ(destination->in_flight(), 40U);
  for (const auto& result : results(40)) EXPECT_EQ(result.result.outcome, Outcome::accepted);
  for (std::size_t i = 0; i < 40; ++i) {
    EXPECT_EQ(peer->taken(submissions[i]), small_payload + std::to_string(i));
    EXPECT_EQ(peer->times_seen(submissions[i]), 1U);
  }
}

TEST_P(Conformance, ARefusedPayloadIsRefusedAndTheNextOneIsTaken) {
  if (!be(PeerMood::refusing)) GTEST_SKIP() << "it refuses nothing";
  const auto result = deliver(submission_of(small_payload), small_payload);
  EXPECT_EQ(result.outcome, Outcome::refused);
  EXPECT_FALSE(result.possibly_delivered);
  be(PeerMood::taking);
  EXPECT_EQ(deliver(submission_of(small_payload), small_payload).outcome, Outcome::accepted);
}

TEST_P(Conformance, BusyIsTryLaterWithTheWishOfTheOtherSide) {
  if (!be(PeerMood::busy)) GTEST_SKIP() << "it is never busy";
  const auto result = deliver(submission_of(small_payload), small_payload);
  EXPECT_EQ(result.outcome, Outcome::try_later);
  if (result.retry_after) {
    EXPECT_EQ(*result.retry_after, 7s);
  }
}

TEST_P(Conformance, NotBeingLetInIsBroken) {
  if (!be(PeerMood::barring)) GTEST_SKIP() << "it lets everybody in";
  const auto submission = submission_of(small_payload);
  const auto result = deliver(submission, small_payload);
  EXPECT_EQ(result.outcome, Outcome::broken);
  EXPECT_FALSE(result.possibly_delivered);
  EXPECT_FALSE(peer->taken(submission));
}

TEST_P(Conformance, NoAnswerAfterTheWholeRequestIsUnknownAndNeverAFailure) {
  for (const PeerMood mood : {PeerMood::silent, PeerMood::cut_off}) {
    if (!be(mood)) continue;
    EXPECT_EQ(deliver(submission_of(small_payload), small_payload).outcome, Outcome::unknown);
  }
}

TEST_P(Conformance, SuccessThatIsntItsOwnIsBroken) {
  if (!be(PeerMood::alien)) GTEST_SKIP() << "nobody can answer in its place";
  const auto result = deliver(submission_of(small_payload), small_payload);
  ASSERT_EQ(result.outcome, Outcome::broken);
  EXPECT_EQ(result.error->kind, ErrorKind::unexpected_answer);
}

TEST_P(Conformance, EveryTryCarriesTheSameIdentity) {
  const auto submission = submission_of(small_payload);
  if (be(PeerMood::cut_off)) {
    EXPECT_EQ(deliver(submission, small_payload).outcome, Outcome::unknown);
    be(PeerMood::taking);
  }
  const auto first = deliver(submission, small_payload);
  const auto second = deliver(submission, small_payload);
  EXPECT_EQ(first.outcome, Outcome::accepted);
  EXPECT_EQ(second.outcome, Outcome::accepted);
  EXPECT_EQ(peer->taken(submission), small_payload);
  EXPECT_GE(peer->times_seen(submission), 1U);
}

TEST_P(Conformance, AwayIsBrokenAndBackIsAccepted) {
  peer->go_away();
  const auto submission = submission_of(small_payload);
  const auto result = deliver(submission, small_payload);
  EXPECT_EQ(result.outcome, Outcome::broken);
  EXPECT_FALSE(result.possibly_delivered);
  peer->come_back();
  EXPECT_EQ(deliver(submission, small_payload).outcome, Outcome::accepted);
  EXPECT_EQ(peer->times_seen(submission), 1U);
}

TEST_P(Conformance, ACorruptPayloadNeverArrives) {
  const auto submission = submission_of(small_payload);
  const auto payload = std::make_shared<MemoryPayload>(small_payload);
  payload->fail_at_the_end(PayloadFailure::corrupt);
  const auto result = deliver(submission, payload);
  ASSERT_EQ(result.outcome, Outcome::refused);
  EXPECT_EQ(result.error->kind, ErrorKind::corrupt);
  EXPECT_FALSE(result.possibly_delivered);
  EXPECT_EQ(peer->times_seen(submission), 0U);
  EXPECT_FALSE(peer->taken(submission));
}

TEST_P(Conformance, APayloadThatCantBeReadNowIsTriedLater) {
  const auto submission = submission_of(small_payload);
  const auto payload = std::make_shared<MemoryPayload>(small_payload);
  payload->fail_at_the_end(PayloadFailure::unreadable);
  const AttemptResult result = deliver(submission, payload);
  EXPECT_EQ(result.outcome, Outcome::try_later);
  EXPECT_TRUE(result.retry_after) << "an unreadable journal would cost the submission an attempt";
  EXPECT_FALSE(peer->taken(submission));
  EXPECT_EQ(deliver(submission, small_payload).outcome, Outcome::accepted);
}

TEST_P(Conformance, ACredentialThatChangedInItsFileIsTakenUpWhileRunning) {
  EXPECT_EQ(deliver(submission_of(small_payload), small_payload).outcome, Outcome::accepted);
  if (!peer->change_credential()) GTEST_SKIP() << "it asks for no credential";
  std::vector<Submission> submissions;
  for (int i = 0; i < 5; ++i) {
    submissions.push_back(submission_of(small_payload));
    start(submissions.back(), small_payload);
  }
  for (const auto& result : results(5)) EXPECT_EQ(result.result.outcome, Outcome::accepted);
  for (const auto& submission : submissions) EXPECT_EQ(peer->times_seen(submission), 1U);
}

TEST_P(Conformance, StoppingWithTriesInTheAirLeavesNoneBehind) {
  be(PeerMood::silent);
  for (int i = 0; i < 5; ++i) start(submission_of(small_payload), small_payload);
  destination->poll(10ms);
  destination->cancel_all();
  EXPECT_EQ(destination->in_flight(), 0U);
  EXPECT_TRUE(destination->poll(0ms).empty());
  be(PeerMood::taking);
  EXPECT_EQ(deliver(submission_of(small_payload), small_payload).outcome, Outcome::accepted);
}

TEST_P(Conformance, WakeEndsAPollThatWaits) {
  std::thread waker([this] { destination->wake(); });
  EXPECT_TRUE(destination->poll(std::chrono::hours(1)).empty());  // would outlast any test
  waker.join();
}

TEST_P(Conformance, TheProbeSendsNothingAndTellsBadFromGood) {
  for (const auto& finding : destination->probe()) EXPECT_NE(finding.kind, ProbeFinding::Kind::bad) << finding.text;
  peer->go_away();
  const auto findings = destination->probe();
  ASSERT_FALSE(findings.empty());
  for (const auto& finding : findings) {
    EXPECT_EQ(finding.kind, ProbeFinding::Kind::bad) << finding.text;
    EXPECT_EQ(finding.text.find('\n'), std::string::npos);
  }
  peer->come_back();
  EXPECT_EQ(destination->in_flight(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Destinations, Conformance,
                         ::testing::Values(NamedPeer{"AzureStorageQueue", make_azure_storage_queue_peer},
                                           NamedPeer{"AzureStorageQueueRaw", make_azure_raw_peer},
                                           NamedPeer{"Directory", make_directory_peer},
                                           NamedPeer{"ReportStream", make_reportstream_peer},
                                           NamedPeer{"ReportStreamFunctionKey", make_reportstream_function_key_peer},
                                           NamedPeer{"Http", make_http_peer},
                                           NamedPeer{"HttpOAuth", make_http_oauth_peer},
                                           NamedPeer{"Mllp", make_mllp_peer}, NamedPeer{"S3", make_s3_peer},
                                           NamedPeer{"Sftp", make_sftp_peer}),
                         [](const auto& described) { return described.param.name; });

}  // namespace
}  // namespace relay
