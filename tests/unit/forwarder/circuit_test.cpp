#include "forwarder/circuit.hpp"

#include <gtest/gtest.h>

#include <string>

namespace relay {
namespace {

using namespace std::chrono_literals;

const DeliveryError unreachable{ErrorKind::unreachable, std::nullopt, "connection refused", {}};
const DeliveryError busy{ErrorKind::unavailable, 503, "busy", {}};
const DeliveryError bad{ErrorKind::refused, 422, "bad payload", {}};
const DeliveryError silent{ErrorKind::timeout, std::nullopt, "no answer", {}};

Moment at(std::chrono::milliseconds time) {
  return {WallTime{} + time, MonotonicTime{} + time};
}

// Jitter 1 makes every wait its bound.
Circuit longest_waits() {
  return Circuit({1s, 1min, std::nullopt}, [] { return 1.0; });
}

TEST(Circuit, BrokenOpensItAndSaysWhySinceWhenAndWhenTheNextProbeGoes) {
  Circuit circuit = longest_waits();
  EXPECT_FALSE(circuit.is_open());
  circuit.broken(unreachable, false, at(10s));
  ASSERT_TRUE(circuit.is_open());
  EXPECT_EQ(circuit.opening()->cause, CircuitCause::broken);
  EXPECT_EQ(circuit.opening()->error.message, "connection refused");
  EXPECT_EQ(circuit.opening()->since.wall, at(10s).wall);
  EXPECT_EQ(circuit.opening()->next_probe.wall, at(11s).wall);
  EXPECT_EQ(circuit.opening()->next_probe.monotonic, at(11s).monotonic);
}

TEST(Circuit, EachFailedProbeDoublesTheWaitAndKeepsTheStart) {
  Circuit circuit = longest_waits();
  circuit.broken(unreachable, false, at(0s));
  circuit.broken(unreachable, true, at(1s));
  EXPECT_EQ(circuit.opening()->next_probe.monotonic, at(3s).monotonic);
  circuit.unknown(silent, true, at(3s));
  EXPECT_EQ(circuit.opening()->next_probe.monotonic, at(7s).monotonic);
  circuit.try_later(busy, true, at(7s));
  EXPECT_EQ(circuit.opening()->next_probe.monotonic, at(15s).monotonic);
  EXPECT_EQ(circuit.opening()->since.monotonic, at(0s).monotonic);
  EXPECT_EQ(circuit.opening()->failed_probes, 3U);
  EXPECT_EQ(circuit.opening()->error.message, "busy") << "the latest probe tells why it is still down";
}

TEST(Circuit, WhatWasInFlightWhenItOpenedDoesNotPutOffTheProbe) {
  Circuit circuit = longest_waits();
  circuit.broken(unreachable, false, at(0s));
  circuit.broken(unreachable, false, at(100ms));
  circuit.unknown(silent, false, at(200ms));
  circuit.try_later(busy, false, at(300ms));
  EXPECT_EQ(circuit.opening()->next_probe.monotonic, at(1s).monotonic);
  EXPECT_EQ(circuit.opening()->failed_probes, 0U);
}

TEST(Circuit, AnAcceptClosesIt) {
  Circuit circuit = longest_waits();
  circuit.broken(unreachable, false, at(0s));
  circuit.accepted();
  EXPECT_FALSE(circuit.is_open());
}

TEST(Circuit, ARefusedProbeIsAnAnswerFromAWorkingDestination) {
  Circuit circuit = longest_waits();
  circuit.broken(unreachable, false, at(0s));
  EXPECT_EQ(circuit.refused(bad, false, at(1ms)), Circuit::Refusal::dead_letter);
  EXPECT_TRUE(circuit.is_open()) << "it was sent before the circuit opened";
  EXPECT_EQ(circuit.refused(bad, true, at(1s)), Circuit::Refusal::dead_letter);
  EXPECT_FALSE(circuit.is_open());
}

TEST(Circuit, TenRefusalsInARowOpenItAndTheEleventhIsNotBelieved) {
  Circuit circuit = longest_waits();
  for (int i = 0; i < 9; ++i) {
    EXPECT_EQ(circuit.refused(bad, false, at(0s)), Circuit::Refusal::dead_letter);
    EXPECT_FALSE(circuit.is_open()) << i;
  }
  EXPECT_EQ(circuit.refused(bad, false, at(0s)), Circuit::Refusal::dead_letter);
  ASSERT_TRUE(circuit.is_open());
  EXPECT_EQ(circuit.opening()->cause, CircuitCause::refusing_everything);
  EXPECT_EQ(circuit.opening()->error.kind, ErrorKind::refused);
  EXPECT_EQ(circuit.refused(bad, false, at(0s)), Circuit::Refusal::keep_queued) << "in flight when the tenth came";
  EXPECT_EQ(circuit.refused(bad, true, at(1s)), Circuit::Refusal::keep_queued) << "a probe";
  EXPECT_EQ(circuit.opening()->next_probe.monotonic, at(3s).monotonic);
}

TEST(Circuit, AnAcceptBetweenStartsTheCountOfRefusalsAgain) {
  Circuit circuit = longest_waits();
  for (int i = 0; i < 9; ++i) (void)circuit.refused(bad, false, at(0s));
  circuit.accepted();
  for (int i = 0; i < 9; ++i) (void)circuit.refused(bad, false, at(0s));
  EXPECT_FALSE(circuit.is_open());
}

TEST(Circuit, NothingButAnAcceptEndsTheCountOfRefusals) {
  Circuit circuit = longest_waits();
  for (int i = 0; i < 9; ++i) (void)circuit.refused(bad, false, at(0s));
  circuit.try_later(busy, false, at(0s));
  circuit.unknown(silent, false, at(0s));
  circuit.inconclusive(false, false, at(0s));
  (void)circuit.refused(bad, false, at(0s));
  EXPECT_TRUE(circuit.is_open());
}

TEST(Circuit, RefusingEverythingStaysTheReasonUntilSomethingIsAccepted) {
  Circuit circuit = longest_waits();
  for (int i = 0; i < 10; ++i) (void)circuit.refused(bad, false, at(0s));
  circuit.broken(unreachable, true, at(1s));
  EXPECT_EQ(circuit.opening()->cause, CircuitCause::refusing_everything);
  EXPECT_EQ(circuit.opening()->error.kind, ErrorKind::refused);
  circuit.accepted();
  EXPECT_FALSE(circuit.is_open());
}

TEST(Circuit, FiveTriesWithoutAnswerOpenItAndAnyAnswerBetweenStartsAgain) {
  Circuit circuit = longest_waits();
  for (int i = 0; i < 4; ++i) circuit.unknown(silent, false, at(0s));
  circuit.try_later(busy, false, at(0s));
  for (int i = 0; i < 4; ++i) circuit.unknown(silent, false, at(0s));
  EXPECT_FALSE(circuit.is_open());
  circuit.unknown(silent, false, at(0s));
  ASSERT_TRUE(circuit.is_open());
  EXPECT_EQ(circuit.opening()->cause, CircuitCause::no_answer);
}

TEST(Circuit, ACorruptPayloadAsProbeIsMadeUpForAtOnce) {
  Circuit circuit = longest_waits();
  circuit.broken(unreachable, false, at(0s));
  circuit.inconclusive(true, true, at(1s));
  EXPECT_EQ(circuit.opening()->next_probe.monotonic, at(1s).monotonic);
  EXPECT_EQ(circuit.opening()->failed_probes, 0U);
  circuit.inconclusive(true, false, at(1s));
  EXPECT_EQ(circuit.opening()->failed_probes, 1U);
}

TEST(Circuit, EachOpeningIsTold) {
  Circuit circuit = longest_waits();
  circuit.broken(unreachable, false, at(0s));
  const auto first = circuit.opening()->number;
  circuit.accepted();
  circuit.broken(unreachable, false, at(0s));
  EXPECT_NE(circuit.opening()->number, first);
  EXPECT_EQ(circuit.opening()->next_probe.monotonic, at(1s).monotonic) << "the back-off began again";
}

}  // namespace
}  // namespace relay
