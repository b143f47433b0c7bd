// A journal that may not grow, and a disk that is full or fails: appends are refused, what goes out is still settled.
#include "journal_fixture.hpp"

namespace relay {
namespace {

using DiskTest = JournalTest;

TEST_F(DiskTest, AFullJournalTakesNothingButSettles) {
  options.max_size = kibibytes(1024);
  open();
  Result<Appended, AppendRefusal> last = append(small(std::string(50'000, 'x')));
  for (int i = 0; i < 100 && last.ok(); ++i) last = append(small(std::string(50'000, 'x')));
  ASSERT_FALSE(last.ok());
  EXPECT_EQ(last.error(), AppendRefusal::journal_full);
  EXPECT_EQ(journal->admission({50'000}), AppendRefusal::journal_full);
  EXPECT_FALSE(journal->condition().reason.empty() && journal->condition().refusing.has_value());
  EXPECT_LE(journal->condition().journal_bytes.value, options.max_size.value + 16 * 16384);
  EXPECT_TRUE(settle(claim_one().token, delivered()).ok());
  EXPECT_FALSE(append_chunk(*journal->open_upload(ids.next()), std::string(payload_chunk_size.value, 'x')).ok());
  expect_promise_7(*journal->snapshot());
}

TEST_F(DiskTest, WhenTheDiskIsLowNothingIsTakenAndTheReasonSaysHowLow) {
  options.min_free_disk = gibibytes(1ull << 30);
  open();
  EXPECT_EQ(journal->admission({1}), AppendRefusal::disk_low);
  const auto refused_append = append(small("payload"));
  ASSERT_FALSE(refused_append.ok());
  EXPECT_EQ(refused_append.error(), AppendRefusal::disk_low);
  EXPECT_EQ(journal->condition().refusing, AppendRefusal::disk_low);
  EXPECT_NE(journal->condition().reason.find("min_free_disk"), std::string::npos);
}

TEST_F(DiskTest, MoreThanFitsIsRefusedAtTheDoor) {
  options.max_size = mebibytes(10);
  open();
  EXPECT_FALSE(journal->admission(mebibytes(5)).has_value());
  EXPECT_EQ(journal->admission(mebibytes(11)), AppendRefusal::journal_full);
}

TEST_F(DiskTest, TheWalStaysSmallWhileNobodyHoldsIt) {
  open();
  for (int i = 0; i < 400; ++i) append_ok(small(std::string(60'000, 'x')));
  clock.advance(std::chrono::seconds(2));
  EXPECT_LT(journal->condition().wal_bytes.value, mebibytes(8).value);
}

}  // namespace
}  // namespace relay
