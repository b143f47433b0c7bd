#include "submission/route_table.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

using Names = std::vector<std::string>;

Route route(RouteMatch match, Names to) {
  return {std::move(match), std::move(to)};
}

TEST(RouteTable, TheFirstMatchWins) {
  const RouteTable table({route({.client = "lab.*", .content_type = "application/hl7-v2"}, {"hl7"}),
                          route({.client = "lab.*"}, {"rest", "copy"})},
                         {"otherwise"}, {});
  EXPECT_EQ(*table.find("lab.a", "application/hl7-v2", Intake::http), Names{"hl7"});
  EXPECT_EQ(*table.find("lab.a", "text/csv", Intake::http), (Names{"rest", "copy"}));
  EXPECT_EQ(*table.find("clinic.a", "text/csv", Intake::http), Names{"otherwise"});
}

TEST(RouteTable, WhatNoRouteMatchesHasNone) {
  const RouteTable table({route({.intake = Intake::submit}, {"a"})}, {}, {});
  EXPECT_EQ(table.find("lab.a", "text/csv", Intake::http), nullptr);
  ASSERT_NE(table.find("lab.a", "text/csv", Intake::submit), nullptr);
}

TEST(RouteTable, AnEmptyMatchTakesEverything) {
  const RouteTable table({route({}, {"a"})}, {"b"}, {});
  EXPECT_EQ(*table.find("x", "a/b", Intake::mllp), Names{"a"});
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

}  // namespace
}  // namespace relay
