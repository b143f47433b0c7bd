// Who fails alone: clients, deliveries, and how their retries are spaced.
#include <gtest/gtest.h>

#include "forwarder/failing_clients.hpp"
#include "forwarder/failing_deliveries.hpp"
#include "forwarder/lone_retries.hpp"
#include "forwarder/witnesses.hpp"

namespace relay {
namespace {

using namespace std::chrono_literals;

SubmissionId id_of(unsigned number) {
  SubmissionId id;
  id.bytes[14] = static_cast<std::uint8_t>(number >> 8U);
  id.bytes[15] = static_cast<std::uint8_t>(number);
  return id;
}

Submission submission(unsigned number, const std::string& client) {
  Submission made;
  made.id = id_of(number);
  made.client = client;
  return made;
}

MonotonicTime at(std::chrono::milliseconds time) {
  return MonotonicTime{} + 1000h + time;
}

FailedTry failure(unsigned number, std::uint64_t accepts_at_start, std::uint64_t accepts, MonotonicTime now) {
  return {.id = id_of(number),
          .kind = ErrorKind::unavailable,
          .accepts_at_start = accepts_at_start,
          .accepts = accepts,
          .now = now,
          .due = now};
}

TEST(FailingClients, AClientIsAloneOnceOthersWereAcceptedSinceItsFirstFailureOfThatKind) {
  FailingClients clients;
  EXPECT_FALSE(clients.alone("bad", ErrorKind::forbidden, 7));
  clients.broken("bad", ErrorKind::forbidden, 7, false);
  EXPECT_FALSE(clients.alone("bad", ErrorKind::forbidden, 7)) << "nobody was accepted since";
  EXPECT_TRUE(clients.alone("bad", ErrorKind::forbidden, 8));
  EXPECT_FALSE(clients.alone("bad", ErrorKind::unreachable, 8)) << "another kind is another matter";
  EXPECT_FALSE(clients.alone("good", ErrorKind::forbidden, 8));
}

TEST(FailingClients, AnAcceptOfThatClientEndsItAndTellsWhetherOthersWaitForIt) {
  FailingClients clients;
  clients.broken("bad", ErrorKind::forbidden, 1, false);
  EXPECT_FALSE(clients.accepted("bad"));
  EXPECT_FALSE(clients.alone("bad", ErrorKind::forbidden, 9));
  clients.broken("bad", ErrorKind::forbidden, 1, false);
  clients.broken("bad", ErrorKind::forbidden, 2, true);
  clients.broken("bad", ErrorKind::forbidden, 2, false);
  EXPECT_FALSE(clients.accepted("good"));
  EXPECT_TRUE(clients.accepted("bad"));
  EXPECT_FALSE(clients.accepted("bad"));
}

TEST(FailingClients, MemoryIsBounded) {
  FailingClients clients;
  for (std::size_t i = 0; i <= FailingClients::most; ++i)
    clients.broken("client-" + std::to_string(i), ErrorKind::forbidden, 0, false);
  EXPECT_FALSE(clients.alone("client-0", ErrorKind::forbidden, 1));
  EXPECT_TRUE(clients.alone("client-" + std::to_string(FailingClients::most), ErrorKind::forbidden, 1));
}

TEST(FailingDeliveries, BrokenAgainWhileAnotherWasAcceptedSinceIsAlone) {
  FailingDeliveries failing;
  EXPECT_FALSE(failing.alone(id_of(1), ErrorKind::unavailable, 0, 5));
  FailedTry broken = failure(1, 5, 5, at(0s));
  broken.broken = true;
  failing.failed(broken);
  EXPECT_FALSE(failing.alone(id_of(1), ErrorKind::unavailable, 1, 5));
  EXPECT_TRUE(failing.alone(id_of(1), ErrorKind::unavailable, 1, 6));
}

TEST(FailingDeliveries, AfterARestartItsEarlierTriesTellThatItFailedBefore) {
  const FailingDeliveries failing;
  EXPECT_FALSE(failing.alone(id_of(1), ErrorKind::unavailable, 3, 0)) << "nothing was accepted in this process yet";
  EXPECT_TRUE(failing.alone(id_of(1), ErrorKind::unavailable, 3, 1));
}

TEST(FailingDeliveries, TwentyTriesWhileOthersSucceedAreStuckAndAreToldOnce) {
  FailingDeliveries failing;
  for (unsigned i = 1; i < 20; ++i) EXPECT_FALSE(failing.failed(failure(1, i - 1, i, at(1s)))) << i;
  EXPECT_EQ(failing.stuck(), 0U);
  EXPECT_TRUE(failing.failed(failure(1, 19, 20, at(1s))));
  EXPECT_FALSE(failing.failed(failure(1, 20, 21, at(1s))));
  EXPECT_EQ(failing.stuck(), 1U);
  failing.ended(id_of(1));
  EXPECT_EQ(failing.stuck(), 0U);
}

TEST(FailingDeliveries, AnHourOfFailingWhileOthersSucceedIsStuck) {
  FailingDeliveries failing;
  EXPECT_FALSE(failing.failed(failure(1, 0, 1, at(0s))));
  EXPECT_FALSE(failing.failed(failure(1, 1, 1, at(59min))));
  EXPECT_TRUE(failing.failed(failure(1, 1, 1, at(60min))));
}

TEST(FailingDeliveries, FailingWhileNobodySucceedsIsNotStuckHoweverLong) {
  FailingDeliveries failing;
  for (int i = 0; i < 200; ++i) EXPECT_FALSE(failing.failed(failure(1, 3, 3, at(i * 10min))));
}

TEST(FailingDeliveries, TriesBeforeARestartCountOnceOthersSucceed) {
  FailingDeliveries failing;
  FailedTry first = failure(1, 0, 0, at(0s));
  first.tries_before = 25;
  EXPECT_FALSE(failing.failed(first)) << "the destination may be down for everybody";
  EXPECT_TRUE(failing.failed(failure(1, 0, 1, at(1s))));
}

TEST(FailingDeliveries, WhatIsNotTriedAnyMoreIsForgottenButNotWhileNothingIsSent) {
  FailingDeliveries failing;
  for (unsigned i = 1; i <= 20; ++i) failing.failed(failure(1, i - 1, i, at(0s)));
  failing.forget_absent(at(3h), at(2h + 30min));
  EXPECT_EQ(failing.stuck(), 1U) << "the lane was closed until half an hour ago";
  failing.forget_absent(at(3h), at(0s));
  EXPECT_EQ(failing.stuck(), 0U);
}

TEST(FailingDeliveries, MemoryIsBounded) {
  FailingDeliveries failing;
  for (unsigned i = 0; i < FailingDeliveries::most + 100; ++i)
    for (unsigned n = 1; n <= 20; ++n) failing.failed(failure(i, n - 1, n, at(0s)));
  EXPECT_EQ(failing.stuck(), FailingDeliveries::most);
}

TEST(LoneRetries, TogetherTheyTakeAtMostAQuarterOfTheLane) {
  LoneRetries retries(16);
  // Each costs 20 ms of one of 16 places: a quarter of the lane has room for one in 5 ms.
  EXPECT_EQ(retries.wait(0ms, 20ms, at(0s)), 0ms);
  for (int i = 1; i <= 1000; ++i) EXPECT_EQ(retries.wait(0ms, 20ms, at(0s)), i * 5ms);
}

TEST(LoneRetries, AFewKeepTheirOwnBackoff) {
  LoneRetries retries(16);
  EXPECT_EQ(retries.wait(700ms, 20ms, at(0s)), 700ms);
  EXPECT_EQ(retries.wait(300ms, 20ms, at(1s)), 300ms);
}

TEST(Witnesses, TellWhetherOneSubmissionOrOneClientSpeaksAlone) {
  Witnesses witnesses;
  EXPECT_EQ(witnesses.only_submission(), std::nullopt);
  witnesses.heard(submission(1, "a"));
  witnesses.heard(submission(1, "a"));
  EXPECT_EQ(witnesses.only_submission(), id_of(1));
  EXPECT_EQ(witnesses.only_client(), "a");
  witnesses.heard(submission(2, "a"));
  EXPECT_EQ(witnesses.only_submission(), std::nullopt);
  EXPECT_EQ(witnesses.only_client(), "a");
  witnesses.heard(submission(3, "b"));
  EXPECT_EQ(witnesses.only_client(), std::nullopt);
  witnesses.dismiss();
  witnesses.heard(submission(4, "b"));
  EXPECT_EQ(witnesses.only_client(), "b");
}

}  // namespace
}  // namespace relay
