// The note that a file is yet to be moved: there exactly as long as its submission is in the journal and nobody ended
// it.
#include <sqlite3.h>

#include "journal_fixture.hpp"

namespace relay {
namespace {

class PendingMoveTest : public JournalTest {
 protected:
  NewSubmission with_note(const std::string& payload, const std::string& note) {
    NewSubmission made = small(payload);
    made.pending_move = note;
    return made;
  }
  std::vector<std::string> notes() {
    std::vector<std::string> found;
    const auto moves = journal->pending_moves();
    EXPECT_TRUE(moves.ok());
    if (moves) {
      for (const PendingMove& move : *moves) found.push_back(move.note);
    }
    return found;
  }
  void damage(const std::string& sql) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(options.path.c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(database);
  }
};

TEST_F(PendingMoveTest, ComesWithItsSubmissionAndSurvivesUntilItIsEnded) {
  open();
  append_ok(small("without"));
  const SubmissionId first = append_ok(with_note("one", "note one"));
  append_ok(with_note("two", "note two"));
  EXPECT_EQ(notes(), (std::vector<std::string>{"note one", "note two"}));
  reopen();
  EXPECT_EQ(notes(), (std::vector<std::string>{"note one", "note two"}));
  journal->end_pending_move(first);
  reopen();
  EXPECT_EQ(notes(), std::vector<std::string>{"note two"});
  EXPECT_TRUE(verify_findings().empty());
}

TEST_F(PendingMoveTest, ARefusedSubmissionLeavesNoNote) {
  open();
  journal->stop_appends();
  EXPECT_FALSE(append(with_note("one", "note one")).ok());
  EXPECT_TRUE(notes().empty());
}

TEST_F(PendingMoveTest, OutlivesTheRecordOfItsSubmission) {
  options.keep_record = std::chrono::hours(1);
  options.keep_delivered_payload = std::chrono::hours(1);
  open();
  const SubmissionId id = append_ok(with_note("one", "note one"));
  ASSERT_TRUE(settle(claim_one().token, delivered()).ok());
  for (int n = 0; n < 100 && journal->find(id, false)->has_value(); ++n) {
    journal->witness_clock(clock.wall_now());
    clock.advance(std::chrono::minutes(30));
    append_ok(small("another " + std::to_string(n)));
  }
  ASSERT_FALSE(journal->find(id, false)->has_value());
  EXPECT_EQ(notes(), std::vector<std::string>{"note one"});
  EXPECT_TRUE(verify_findings().empty());
}

TEST_F(PendingMoveTest, IsSealedWhereThereIsAKey) {
  options.encryption_keys = {Secret(std::string(32, 'k'))};
  open();
  append_ok(with_note("one", "a note with DOE^JOHN in it"));
  EXPECT_EQ(notes(), std::vector<std::string>{"a note with DOE^JOHN in it"});
  for (const auto& [name, bytes] : files()) EXPECT_EQ(bytes.find("DOE^JOHN"), std::string::npos) << name;
  close();
  for (const auto& [name, bytes] : files()) EXPECT_EQ(bytes.find("DOE^JOHN"), std::string::npos) << name;
}

TEST_F(PendingMoveTest, ADamagedOneIsLeftOutAndFoundByVerify) {
  options.encryption_keys = {Secret(std::string(32, 'k'))};
  open();
  append_ok(with_note("one", "note one"));
  append_ok(with_note("two", "note two"));
  close();
  damage(
      "UPDATE pending_move SET note = zeroblob(80) WHERE submission_id = (SELECT min(submission_id) FROM "
      "pending_move)");
  open();
  EXPECT_EQ(notes(), std::vector<std::string>{"note two"});
  close();
  std::vector<std::string> codes;
  const VerifyKeys keys{.keys = options.encryption_keys};
  ASSERT_TRUE(verify_journal(
                  options.path, "", [&](const VerifyFinding& found) { codes.push_back(found.code); }, keys)
                  .ok());
  EXPECT_EQ(codes, std::vector<std::string>{"seal"});
}

}  // namespace
}  // namespace relay
