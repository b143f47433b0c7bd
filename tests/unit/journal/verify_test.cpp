// verify looks without touching: beside a running daemon, after a kill, on a medium that can't be written.
#include <sys/stat.h>

#include <set>
#include <thread>

#include "journal/schema.hpp"
#include "journal_fixture.hpp"

namespace relay {
namespace {

class VerifyTest : public JournalTest {
 protected:
  VerifyReport report() {
    auto verified = verify_journal(options.path, "", {});
    EXPECT_TRUE(verified.ok()) << verified.error().message;
    return verified.ok() ? *verified : VerifyReport{};
  }
};

TEST_F(VerifyTest, CountsWhatItLookedAt) {
  open();
  NewSubmission both = small("payload");
  both.destinations = {"cloud", "archive"};
  append_ok(std::move(both));
  append_ok(large(std::string(2 * payload_chunk_size.value + 3, 'x')));
  ASSERT_TRUE(settle(claim_one().token, delivered()).ok());
  for (const bool running : {true, false}) {
    if (!running) close();
    const VerifyReport found = report();
    EXPECT_EQ(found.submissions, 2u);
    EXPECT_EQ(found.deliveries, 3u);
    EXPECT_EQ(found.payloads_checked, 2u);
    EXPECT_TRUE(found.findings.empty());
    EXPECT_TRUE(found.not_checked.empty());
  }
}

TEST_F(VerifyTest, ChangesNothingNotEvenBesideTheFiles) {
  open();
  append_ok(small("payload"));
  const auto killed = files();
  close();
  const auto names = [&] {
    std::set<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) found.insert(entry.path().filename());
    return found;
  };
  const auto closed_names = names();
  const auto closed_files = files();
  report();
  EXPECT_EQ(names(), closed_names);
  EXPECT_EQ(changed_files(closed_files, files()), std::vector<std::string>());
  for (const auto& [name, bytes] : killed) std::ofstream(folder / name, std::ios::binary | std::ios::trunc) << bytes;
  const auto killed_names = names();
  EXPECT_EQ(report().submissions, 1u) << "what only the WAL has is looked at";
  EXPECT_EQ(names(), killed_names);
  EXPECT_EQ(changed_files(killed, files()), std::vector<std::string>());
}

TEST_F(VerifyTest, SeesOneCommitWhileTheWriterGoesOn) {
  open();
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    while (!stop) {
      append_ok(small(std::string(2000, 'x')));
      const auto claims = journal->claim("cloud", 1);
      if (!claims.empty()) {
        EXPECT_TRUE(settle(claims[0].token, delivered()).ok());
      }
    }
  });
  for (int i = 0; i < 5; ++i) EXPECT_EQ(verify_findings(), std::vector<std::string>());
  stop = true;
  writer.join();
}

TEST_F(VerifyTest, AJournalOfAnEarlierVersionIsNotCalledDamaged) {
  // As private as a daemon makes it, whatever the umask; its WAL takes the database's mode.
  std::ofstream(options.path, std::ios::binary);
  std::filesystem::permissions(options.path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  {
    Connection connection(options.path, Connection::Mode::write, "");
    create_schema(connection, ids.next(), clock.wall_now(), 1);
  }
  EXPECT_TRUE(report().findings.empty());
  ASSERT_EQ(report().not_checked.size(), 1u);
  EXPECT_NE(report().not_checked[0].find("earlier version"), std::string::npos);
  open();
  close();
  EXPECT_EQ(verify_findings(), std::vector<std::string>());
}

TEST_F(VerifyTest, AMissingJournalAndAMissingWalAreTold) {
  EXPECT_FALSE(verify_journal(options.path, "", {}).ok());
  open();
  append_ok(small("payload"));
  const auto killed = files();
  close();
  std::ofstream(folder / "journal.lock", std::ios::trunc) << killed.at("journal.lock");
  ASSERT_EQ(report().findings.size(), 1u);
  EXPECT_EQ(report().findings[0].code, "state");
}

}  // namespace
}  // namespace relay
