#include "destinations/azure_sas.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

WallTime at(std::string_view text) {
  return parse_rfc3339(text).value();
}

TEST(AzureSas, ReadsItsTimesInAllTheirForms) {
  for (const char* end : {"2026-11-24T18%3A00%3A00Z", "2026-11-24T18:00Z", "2026-11-24T18:00:00.0000000Z"})
    EXPECT_EQ(AzureSas(std::string("sv=1&se=") + end + "&sp=a&sig=x%3D").expires_at(), at("2026-11-24T18:00:00Z"))
        << end;
  EXPECT_EQ(AzureSas("?se=2026-11-24").expires_at(), at("2026-11-24T00:00:00Z"));
  EXPECT_EQ(AzureSas("st=2026-11-24&sig=x").starts_at(), at("2026-11-24T00:00:00Z"));
  EXPECT_FALSE(AzureSas("se=tomorrow&st=").expires_at());
}

TEST(AzureSas, IsSentAsItWasGivenButForTheQuestionMark) {
  EXPECT_EQ(AzureSas("?sv=1&sig=a%2Fb%3D").query().reveal(), "sv=1&sig=a%2Fb%3D");
}

TEST(AzureSas, TellsWhenItIsOutOfTime) {
  const AzureSas sas("st=2026-11-24T10:00:00Z&se=2026-11-24T18:00:00Z");
  EXPECT_FALSE(sas.out_of_time(at("2026-11-24T12:00:00Z")));
  EXPECT_EQ(sas.out_of_time(at("2026-11-24T18:00:00Z")), "the SAS expired at 2026-11-24T18:00:00.000Z");
  EXPECT_EQ(sas.out_of_time(at("2026-11-24T09:59:59Z")), "the SAS isn't valid before 2026-11-24T10:00:00.000Z");
  EXPECT_FALSE(AzureSas("sig=x").out_of_time(at("2026-11-24T12:00:00Z")));
}

struct RightCase {
  const char* sas;
  AzureStep step;
  const char* missing;  // a part of the words; nullptr: nothing is missing
};

TEST(AzureSas, NamesTheRightThatIsMissing) {
  const RightCase cases[] = {
      {"sp=a", AzureStep::put_message, nullptr},
      {"sp=rup", AzureStep::put_message, "add (a) queue messages"},
      {"sr=c&sp=cw", AzureStep::put_blob, nullptr},
      {"sr=c&sp=rl", AzureStep::put_blob, "write (w) blobs"},
      {"sr=c&sp=c", AzureStep::put_blob, "write (w) blobs"},
      {"sr=b&sp=cw", AzureStep::put_blob, "one blob"},
      {"tn=submission&sp=a", AzureStep::insert_row, nullptr},
      {"tn=submission&sp=r", AzureStep::insert_row, "add (a) table rows"},
      {"ss=bqt&srt=co&sp=wa", AzureStep::insert_row, nullptr},
      {"ss=q&srt=co&sp=wa", AzureStep::insert_row, "table service"},
      {"ss=bqt&srt=c&sp=wac", AzureStep::put_message, "resource type o"},
      {"ss=bqt&srt=o&sp=wac", AzureStep::create_queue, "resource type c"},
      {"si=policy", AzureStep::put_message, nullptr},
      {"", AzureStep::put_message, nullptr},
      {"&&=&sp&sp=a%", AzureStep::put_message, nullptr},
  };
  for (const auto& [text, step, missing] : cases) {
    const auto words = AzureSas(text).missing_right(step);
    EXPECT_EQ(words.has_value(), missing != nullptr) << text;
    if (words && missing != nullptr) {
      EXPECT_NE(words->find(missing), std::string::npos) << *words;
    }
  }
}

}  // namespace
}  // namespace relay
