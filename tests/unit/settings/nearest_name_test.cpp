#include "settings/nearest_name.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

const std::vector<std::string> names = {"max_payload", "memory", "content_types", "to", "queue", "queue_sas"};

TEST(NearestName, GuessesWhatWasMeant) {
  EXPECT_EQ(nearest_name("max_paylod", names), "max_payload");
  EXPECT_EQ(nearest_name("maxpayload", names), "max_payload");
  EXPECT_EQ(nearest_name("max-payload", names), "max_payload");
  EXPECT_EQ(nearest_name("MaxPayload", names), "max_payload");
  EXPECT_EQ(nearest_name("mmeory", names), "memory");
  EXPECT_EQ(nearest_name("content_type", names), "content_types");
  EXPECT_EQ(nearest_name("queue_sa", names), "queue_sas");
}

TEST(NearestName, DoesNotGuessWildly) {
  EXPECT_EQ(nearest_name("heartbeat", names), std::nullopt);
  EXPECT_EQ(nearest_name("x", names), std::nullopt);
  EXPECT_EQ(nearest_name("", names), std::nullopt);
  EXPECT_EQ(nearest_name("memory", {}), std::nullopt);
  EXPECT_EQ(nearest_name(std::string(100'000, 'm'), names), std::nullopt);
}

TEST(NearestName, IsSomethingHoweverFarOffWhereItMustBe) {
  EXPECT_EQ(closest_name("heartbeat", {"site", "heart"}), "heart");
  EXPECT_EQ(closest_name("zzz", {"level", "to"}), "to");
  EXPECT_EQ(closest_name(std::string(100'000, 'm'), names), "memory");
  EXPECT_EQ(closest_name("memory", {}), std::nullopt);
}

}  // namespace
}  // namespace relay
