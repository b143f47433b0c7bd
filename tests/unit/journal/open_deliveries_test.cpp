// What a purge of the package goes by: an open delivery is counted, and what can't be counted is never taken for none.
#include "journal/open_deliveries.hpp"

#include "journal_fixture.hpp"

namespace relay {
namespace {

class OpenDeliveriesTest : public JournalTest {
 protected:
  // -1 where they can't be counted.
  std::int64_t count() const {
    const auto open = count_open_deliveries(options.path);
    return open ? static_cast<std::int64_t>(*open) : -1;
  }
};

TEST_F(OpenDeliveriesTest, CountsWhatIsQueuedAndWhatIsADeadLetter) {
  open();
  close();
  EXPECT_EQ(count(), 0);

  open();
  NewSubmission both = small("first");
  both.destinations = {"cloud", "archive"};
  append_ok(std::move(both));
  append_ok(small("second"));
  append_ok(small("third"));
  close();
  EXPECT_EQ(count(), 4);

  open();
  ASSERT_TRUE(settle(claim_one().token, delivered()).ok());
  ASSERT_TRUE(settle(claim_one().token, refused()).ok());
  close();
  EXPECT_EQ(count(), 3) << "a dead letter is open, what was delivered isn't";
}

TEST_F(OpenDeliveriesTest, SeesWhatOnlyTheWalHas) {
  open();
  append_ok(small("payload"));
  const auto killed = files();
  close();
  for (const auto& [name, bytes] : killed) std::ofstream(folder / name, std::ios::binary | std::ios::trunc) << bytes;
  EXPECT_EQ(count(), 1);
  EXPECT_EQ(changed_files(killed, files()), std::vector<std::string>());

  ASSERT_TRUE(std::filesystem::remove(options.path + "-wal"));
  EXPECT_EQ(count(), -1) << "the newest submissions are missing";
}

TEST_F(OpenDeliveriesTest, CountsNothingThatIsRunningMissingOrDamaged) {
  EXPECT_EQ(count(), -1) << "there is none";
  open();
  EXPECT_EQ(count(), -1) << "a relay holds it";
  close();
  ASSERT_EQ(count(), 0);
  std::fstream(options.path, std::ios::binary | std::ios::in | std::ios::out) << std::string(4096, 'x');
  EXPECT_EQ(count(), -1) << "damaged";
}

TEST_F(OpenDeliveriesTest, CountsNoJournalOfAnotherVersion) {
  open();
  close();
  // PRAGMA user_version stands at byte 60 of the file, big-endian (sqlite.org/fileformat2.html, "The Database Header").
  std::fstream file(options.path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(60);
  file << std::string("\0\0\x03\xe7", 4);
  file.close();
  EXPECT_EQ(count(), -1);
}

}  // namespace
}  // namespace relay
