#include "submission/route_table.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

using Names = std::vector<std::string>;

Route route(RouteMatch match, Names to) {
  return {std::move(match), std::move(to), std::nullopt, OnDeadLetter::go_on};
}

TEST(RouteTable, TheFirstMatchWins) {
  const RouteTable table({route({.client = "lab.*", .content_type = "application/hl7-v2"}, {"hl7"}),
                          route({.client = "lab.*"}, {"rest", "copy"})},
                         {"otherwise"}, {});
  EXPECT_EQ(table.find("lab.a", "application/hl7-v2", Intake::http, nullptr)->to, Names{"hl7"});
  EXPECT_EQ(table.find("lab.a", "text/csv", Intake::http, nullptr)->to, (Names{"rest", "copy"}));
  EXPECT_EQ(table.find("clinic.a", "text/csv", Intake::http, nullptr)->to, Names{"otherwise"});
}

TEST(RouteTable, WhatNoRouteMatchesHasNone) {
  const RouteTable table({route({.intake = Intake::submit}, {"a"})}, {}, {});
  EXPECT_EQ(table.find("lab.a", "text/csv", Intake::http, nullptr), nullptr);
  ASSERT_NE(table.find("lab.a", "text/csv", Intake::submit, nullptr), nullptr);
}

TEST(RouteTable, AnEmptyMatchTakesEverything) {
  const RouteTable table({route({}, {"a"})}, {"b"}, {});
  EXPECT_EQ(table.find("x", "a/b", Intake::mllp, nullptr)->to, Names{"a"});
}

TEST(RouteTable, TheTightestLimitOfTheDestinationsCounts) {
  const std::map<std::string, DestinationLimits> limits = {{"a", {ByteCount{100}, {}, false}},
                                                           {"b", {ByteCount{50}, {"text/csv"}, false}},
                                                           {"c", {ByteCount{UINT64_MAX}, {}, true}}};
  const RouteTable table({}, {"a"}, limits);
  EXPECT_EQ(table.max_payload({"a", "b"}), ByteCount{50});
  EXPECT_EQ(table.max_payload({"c"}), ByteCount{UINT64_MAX});
  EXPECT_EQ(table.max_payload({"gone"}), ByteCount{UINT64_MAX});
  EXPECT_EQ(table.refuses_type({"a", "b"}, "application/xml"), "b");
  EXPECT_EQ(table.refuses_type({"a", "b"}, "text/csv"), std::nullopt);
  EXPECT_TRUE(table.reaches_reportstream({"a", "c"}));
  EXPECT_FALSE(table.reaches_reportstream({"a", "b"}));
}

std::optional<Hl7HeaderSegment> header_of(std::string_view segment) {
  return Hl7HeaderSegment::read(segment);
}

TEST(RouteTable, AMessageIsMatchedByItsHeader) {
  const RouteTable table(
      {route({.msh3 = "EPIC", .msh4 = "HOSP*"}, {"hospital"}), route({.msh9 = "ORU^R01"}, {"results"}),
       route({.msh9 = "ADT"}, {"patients"}), route({.client = "lab.*"}, {"rest"})},
      {"otherwise"}, {});
  const auto to = [&](std::string_view segment, std::string_view type = hl7_media_type) {
    const auto header = header_of(segment);
    return table.find("lab.a", type, Intake::http, header ? &*header : nullptr)->to;
  };
  EXPECT_EQ(to("MSH|^~\\&|EPIC^1.2.840^ISO|HOSP-7|||1||ADT^A01"), Names{"hospital"}) << "its name, and the first match";
  EXPECT_EQ(to("MSH|^~\\&|EPIC|CLINIC|||1||ORU^R01^ORU_R01"), Names{"results"}) << "both must hold";
  EXPECT_EQ(to("MSH#*~\\&#X#Y###1##ADT*A01"), Names{"patients"}) << "in the sender's separators";
  EXPECT_EQ(to("MSH|^~\\&|epic|HOSP||||"), Names{"rest"});
  EXPECT_EQ(to("BHS|^~\\&|EPIC|HOSP"), Names{"hospital"}) << "a batch without a message";
  EXPECT_EQ(to("PID|1"), Names{"rest"}) << "no header";
  EXPECT_EQ(to("MSH|^~\\&|EPIC|HOSP", "text/csv"), Names{"rest"}) << "no HL7";
  EXPECT_EQ(table.candidates("lab.a", hl7_media_type, Intake::http).size(), 4U);
  EXPECT_EQ(table.candidates("lab.a", "text/csv", Intake::http).size(), 1U);
  EXPECT_EQ(table.candidates("clinic.a", hl7_media_type, Intake::http).size(), 4U) << "and otherwise";
}

TEST(RouteTable, TheDoorSaysInWhichOrderWhereTheRouteDoesnt) {
  Route made;
  EXPECT_EQ(ordering_of(made, Intake::mllp), Ordering::client);
  EXPECT_EQ(ordering_of(made, Intake::folder), Ordering::client);
  EXPECT_EQ(ordering_of(made, Intake::http), Ordering::none);
  EXPECT_EQ(ordering_of(made, Intake::submit), Ordering::none);
  made.ordering = Ordering::none;
  EXPECT_EQ(ordering_of(made, Intake::mllp), Ordering::none);
  made.ordering = Ordering::key;
  EXPECT_EQ(ordering_of(made, Intake::http), Ordering::key);
}

}  // namespace
}  // namespace relay
