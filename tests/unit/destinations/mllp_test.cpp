// Destination `mllp` and its one connection.
#include "destinations/mllp.hpp"

#include <gtest/gtest.h>

#include "support/hl7_receiver.hpp"
#include "support/memory_payload.hpp"

namespace relay {
namespace {

using namespace std::chrono_literals;

std::string message(const std::string& control_id, const std::string& rest = "PID|1||A\r") {
  return "MSH|^~\\&|LAB||||20261124||ORU^R01|" + control_id + "|P|2.5.1\r" + rest;
}

std::string control_id_in(const std::string& text) {
  std::size_t begin = 0;
  for (int field = 0; field < 9; ++field) begin = text.find('|', begin) + 1;
  return text.substr(begin, text.find('|', begin) - begin);
}

class MllpDestination : public testing::Test {
 protected:
  MllpDestination()
      : receiver([](const std::string& text, unsigned) { return acknowledged("AA", control_id_in(text)); }) {}

  void make(std::chrono::milliseconds ack_timeout = 20s) {
    MllpDestinationSettings mllp;
    mllp.host = "127.0.0.1";
    mllp.port = receiver.port();
    mllp.ack_timeout = ack_timeout;
    DestinationSettings settings;
    settings.name = "lis";
    settings.timeout = 20s;
    destination = make_mllp(settings, mllp);
  }

  AttemptResult deliver(const std::string& payload) {
    Delivery delivery;
    delivery.attempt = ++attempts;
    delivery.submission = submission_of(payload);
    delivery.payload = std::make_shared<MemoryPayload>(payload);
    destination->start(std::move(delivery));
    const auto enough = std::chrono::steady_clock::now() + 60s;
    while (std::chrono::steady_clock::now() < enough)
      for (auto& result : destination->poll(100ms)) return std::move(result.result);
    ADD_FAILURE() << "no result";
    return {};
  }

  Hl7Receiver receiver;
  std::unique_ptr<Destination> destination;
  std::uint64_t attempts = 0;
};

TEST_F(MllpDestination, OneConnectionIsKept) {
  make();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(deliver(message(std::to_string(i))).outcome, Outcome::accepted);
  EXPECT_EQ(receiver.connections(), 1U);
}

TEST_F(MllpDestination, AConnectionThatWasClosedMeanwhileIsMadeAnewAndNothingIsSentTwice) {
  make();
  EXPECT_EQ(deliver(message("1")).outcome, Outcome::accepted);
  receiver.stop();
  receiver.start();
  EXPECT_EQ(deliver(message("2")).outcome, Outcome::accepted);
  EXPECT_EQ(receiver.connections(), 2U);
  EXPECT_EQ(receiver.messages(), (std::vector{message("1"), message("2")}));
}

TEST_F(MllpDestination, ALateApplicationAcknowledgementIsIgnored) {
  // The application ACK of "1" comes ahead of the commit ACK of "2".
  receiver.set_handler([](const std::string& text, unsigned) {
    const std::string id = control_id_in(text);
    return (id == "2" ? acknowledged("AE", "1") : "") + acknowledged("CA", id);
  });
  make();
  EXPECT_EQ(deliver(message("1")).outcome, Outcome::accepted);
  EXPECT_EQ(deliver(message("2")).outcome, Outcome::accepted);
  EXPECT_EQ(receiver.connections(), 1U);
}

TEST_F(MllpDestination, AMessageOfTheSameNameDoesntTakeAnotherOnesApplicationAcknowledgement) {
  receiver.set_handler([](const std::string&, unsigned connection) -> std::optional<std::string> {
    if (connection == 1) return acknowledged("CA", "1");
    return acknowledged("AE", "1");
  });
  make();
  EXPECT_EQ(deliver(message("1")).outcome, Outcome::accepted);
  EXPECT_EQ(deliver(message("1", "PID|1||B\r")).outcome, Outcome::refused);
  EXPECT_EQ(receiver.connections(), 2U);
}

TEST_F(MllpDestination, AnAnswerToAnotherMessageEndsTheConnectionAndIsUnknown) {
  for (const std::string& wrong :
       {acknowledged("AA", "2"), acknowledged("AA", ""), mllp_framed("MSH|^~\\&|X\r"), mllp_framed("nothing of HL7")}) {
    receiver.set_handler([&](const std::string&, unsigned) { return wrong; });
    make();
    const unsigned before = receiver.connections();
    const auto result = deliver(message("1"));
    EXPECT_EQ(result.outcome, Outcome::unknown);
    EXPECT_TRUE(result.possibly_delivered);
    receiver.set_handler([](const std::string&, unsigned) { return acknowledged("AA", "1"); });
    EXPECT_EQ(deliver(message("1")).outcome, Outcome::accepted);
    EXPECT_EQ(receiver.connections(), before + 2);
  }
}

TEST_F(MllpDestination, AnAnswerThatComesTooLateIsTakenForNoOtherMessage) {
  receiver.set_handler([](const std::string&, unsigned) -> std::optional<std::string> { return std::nullopt; });
  make(200ms);
  const auto result = deliver(message("1"));
  EXPECT_EQ(result.outcome, Outcome::unknown);
  EXPECT_EQ(result.error->kind, ErrorKind::timeout);
  receiver.set_handler([](const std::string&, unsigned) { return acknowledged("AA", "2"); });
  EXPECT_EQ(deliver(message("2")).outcome, Outcome::accepted);
  EXPECT_EQ(receiver.connections(), 2U) << "the connection of a time-out isn't used again";
}

TEST_F(MllpDestination, AnEndMarkWithoutCarriageReturnEndsAnAnswer) {
  receiver.set_handler([](const std::string& text, unsigned) {
    std::string answer = acknowledged("AA", control_id_in(text));
    answer.pop_back();
    return answer;
  });
  make();
  EXPECT_EQ(deliver(message("1")).outcome, Outcome::accepted);
  EXPECT_EQ(deliver(message("2")).outcome, Outcome::accepted);
  EXPECT_EQ(receiver.connections(), 1U);
}

TEST_F(MllpDestination, ABatchIsKnownByItsOwnControlId) {
  receiver.set_handler([](const std::string&, unsigned) { return acknowledged("AA", "B7"); });
  make();
  EXPECT_EQ(deliver("BHS|^~\\&|LAB||||20261124||||B7\r" + message("1") + message("2") + "BTS|2\r").outcome,
            Outcome::accepted);
}

TEST_F(MllpDestination, WhatCantBeNamedOrFramedIsNeverSent) {
  make();
  for (const std::string& payload : {message(""), message("1", "OBX|1|a\x1c b\r"), message("1", "OBX|1|a\x0b b\r")}) {
    const auto result = deliver(payload);
    EXPECT_EQ(result.outcome, Outcome::refused);
    EXPECT_EQ(result.error->message.find("OBX"), std::string::npos);
  }
  EXPECT_TRUE(receiver.messages().empty());
}

TEST_F(MllpDestination, NobodyThereIsBrokenAndNothingWasSent) {
  receiver.stop();
  make();
  const auto result = deliver(message("1"));
  EXPECT_EQ(result.outcome, Outcome::broken);
  EXPECT_EQ(result.error->kind, ErrorKind::unreachable);
  EXPECT_FALSE(result.possibly_delivered);
}

}  // namespace
}  // namespace relay
