#include "settings/describe.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

using Lines = std::vector<std::string>;

Settings with_routes(std::vector<Route> routes, std::vector<std::string> otherwise) {
  Settings settings;
  settings.routes = std::move(routes);
  settings.otherwise = std::move(otherwise);
  return settings;
}

const std::map<std::string, DestinationLimits> limits = {
    {"reportstream", {ByteCount{1'000'000'000}, {"application/hl7-v2", "application/fhir+ndjson"}, true}},
    {"small", {kibibytes(48), {}, false}},
    {"archive", {}}};

TEST(DescribeRoutes, SaysWhoGoesWhereWithWhatUpToWhichSize) {
  const Settings settings = with_routes({{{"lab.*", {}, {}}, {"reportstream", "archive"}},
                                         {{{}, "text/csv", Intake::submit}, {"small"}},
                                         {{{}, "text/csv", {}}, {"reportstream"}}},
                                        {"archive"});
  EXPECT_EQ(
      describe_routes(settings, limits),
      (Lines{
          "route 1: client lab.* -> reportstream, archive; takes application/hl7-v2, application/fhir+ndjson, up to "
          "50MB",
          "route 2: text/csv, through submit -> small; takes text/csv, up to 48KiB",
          "route 3: text/csv -> reportstream; takes nothing: no content type suits the door and every destination",
          "otherwise -> archive; takes application/hl7-v2, application/fhir+ndjson, application/fhir+json, text/csv, "
          "application/xml, up to 50MB"}));
}

TEST(DescribeRoutes, OneDestinationTakesEverything) {
  EXPECT_EQ(describe_routes(with_routes({}, {"reportstream"}), limits),
            Lines{"everything -> reportstream; takes application/hl7-v2, application/fhir+ndjson, up to 50MB"});
}

TEST(DescribeRoutes, WithoutOtherwiseTheRestIsRefused) {
  EXPECT_EQ(describe_routes(with_routes({{{"lab.*", {}, {}}, {"small"}}}, {}), limits).back(),
            "otherwise: refused at the door (no route)");
}

}  // namespace
}  // namespace relay
