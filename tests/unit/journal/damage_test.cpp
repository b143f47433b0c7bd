// Damage in the file: it is found before anything is sent, named by verify, and blocks nobody.
#include "journal/database.hpp"
#include "journal_fixture.hpp"

namespace relay {
namespace {

class DamageTest : public JournalTest {
 protected:
  // Changes rows of a closed journal behind its back.
  void change(const char* sql) {
    Connection connection(options.path, Connection::Mode::write, "");
    connection.execute(sql);
    ASSERT_GT(connection.changes(), 0) << sql;
    connection.checkpoint(Connection::Checkpoint::truncate);
    connection.keep_wal_on_close(false);
  }
  void expect_finding(const std::string& start) {
    const auto findings = verify_findings();
    const bool found = std::any_of(findings.begin(), findings.end(),
                                   [&](const std::string& finding) { return finding.starts_with(start); });
    EXPECT_TRUE(found) << start << " isn't among " << testing::PrintToString(findings);
  }
  // Two submissions, then that change; the first one is damaged.
  void damage_first(const char* sql) {
    open();
    damaged = append_ok(small("first"));
    sound = append_ok(small("second"));
    close();
    change(sql);
    expect_finding("digest " + damaged.text());
    open();
  }
  void expect_first_is_corrupt_and_second_goes_on() {
    const auto claims = journal->claim("cloud", 10);
    ASSERT_EQ(claims.size(), 2u);
    const auto bytes = journal->payload(claims[0])->read(0, 100);
    ASSERT_FALSE(bytes.ok());
    EXPECT_EQ(bytes.error().failure, PayloadFailure::corrupt);
    Settlement corrupt = refused();
    corrupt.attempt.error->kind = ErrorKind::corrupt;
    EXPECT_TRUE(settle(claims[0].token, corrupt).ok());
    EXPECT_EQ(read_all(*journal->payload(claims[1])), "second");
    EXPECT_TRUE(settle(claims[1].token, delivered()).ok());
    EXPECT_EQ(totals().dead_letter, 1u);
    EXPECT_EQ(totals().delivered, 1u);
  }

  void break_root_page(std::string& bytes, const std::string& table) {
    std::int64_t page = 0;
    {
      Connection connection(options.path, Connection::Mode::read_stopped, "");
      page = connection.integer(("SELECT rootpage FROM sqlite_schema WHERE name = '" + table + "'").c_str());
    }
    ASSERT_GT(page, 1);
    bytes.replace(static_cast<std::size_t>(page - 1) * 16384, 64, std::string(64, '\x5a'));
  }

  SubmissionId damaged;
  SubmissionId sound;
};

TEST_F(DamageTest, AChangedPayloadIsNeverGivenOut) {
  damage_first("UPDATE submission SET payload = x'00' || 'fIrst' WHERE seq = 1");
  expect_first_is_corrupt_and_second_goes_on();
  EXPECT_EQ(view(damaged).deliveries[0].last_error->kind, ErrorKind::corrupt);
}

TEST_F(DamageTest, AShortenedOrMissingPayloadIsCorrupt) {
  damage_first("UPDATE submission SET payload = x'00' || 'firs' WHERE seq = 1");
  expect_first_is_corrupt_and_second_goes_on();
}

TEST_F(DamageTest, AnUnknownPayloadSchemeIsCorrupt) {
  damage_first("UPDATE submission SET payload = x'07' || 'first' WHERE seq = 1");
  expect_first_is_corrupt_and_second_goes_on();
}

TEST_F(DamageTest, ChangedMetadataIsCorruptThoughThePayloadHolds) {
  damage_first("UPDATE submission SET payload_name = 'other.hl7' WHERE seq = 1");
  expect_first_is_corrupt_and_second_goes_on();
}

TEST_F(DamageTest, AChangedDigestIsCorrupt) {
  damage_first("UPDATE submission SET sha256 = zeroblob(32) WHERE seq = 1");
  expect_first_is_corrupt_and_second_goes_on();
}

TEST_F(DamageTest, ADeliveryWithoutItsSubmissionIsHandedOutAsCorruptAndGoesAway) {
  open();
  append_ok(small("first"));
  append_ok(small("second"));
  close();
  change("DELETE FROM submission WHERE seq = 1");
  expect_finding("orphan - ");
  open();
  expect_first_is_corrupt_and_second_goes_on();
}

TEST_F(DamageTest, AChunkThatIsMissingOrChangedFailsTheReadOfTheLastByte) {
  open();
  const std::string payload(3 * payload_chunk_size.value, 'x');
  const SubmissionId first = append_ok(large(payload));
  const SubmissionId second = append_ok(large(payload));
  close();
  change("UPDATE payload_chunk SET bytes = x'00' || zeroblob(262144) WHERE chunk = 65537");
  change("DELETE FROM payload_chunk WHERE chunk = 131073");
  expect_finding("digest " + first.text());
  expect_finding("digest " + second.text());
  open();
  const auto changed = journal->payload(claim_one());
  EXPECT_TRUE(changed->read(0, payload.size()).ok()) << "the first chunk, not the last byte";
  EXPECT_TRUE(changed->read(payload_chunk_size.value, payload.size()).ok());
  EXPECT_EQ(changed->read(2 * payload_chunk_size.value, payload.size()).error().failure, PayloadFailure::corrupt);
  EXPECT_TRUE(changed->read(2 * payload_chunk_size.value, 10).ok()) << "not the last byte";
  const auto missing = journal->payload(claim_one());
  EXPECT_EQ(missing->read(payload.size() - 1, 1).error().failure, PayloadFailure::corrupt) << "asked out of order";
}

TEST_F(DamageTest, VerifyNamesWhatDoesntAddUp) {
  open();
  NewSubmission both = small("first");
  both.destinations = {"cloud", "archive"};
  const SubmissionId first = append_ok(std::move(both));
  const SubmissionId second = append_ok(small("second"));
  ASSERT_TRUE(settle(claim_one().token, delivered()).ok());
  close();
  ASSERT_EQ(verify_findings(), std::vector<std::string>());
  const auto sound_file = files()["journal.db"];
  const auto expect_after = [&](const char* sql, const std::string& finding) {
    change(sql);
    expect_finding(finding);
    std::ofstream(options.path, std::ios::binary | std::ios::trunc) << sound_file;
  };
  expect_after("UPDATE totals SET delivered = 7 WHERE name = 'cloud'", "totals - cloud");
  expect_after("UPDATE totals SET accepted = 7 WHERE name = 'archive'", "totals - archive");
  expect_after("UPDATE journal SET accepted_http = 1", "totals - ");
  expect_after("DELETE FROM record", "orphan " + first.text());
  expect_after("UPDATE record SET state = 9", "state " + first.text());
  expect_after("UPDATE attempt SET outcome = 9", "state " + first.text());
  expect_after(
      "INSERT INTO attempt SELECT 77, destination, number, 0, 0, 1, 1, NULL, NULL, NULL, NULL, NULL FROM attempt",
      "orphan - ");
  expect_after(
      "INSERT INTO delivery SELECT destination, 5, seq, 'lab.default', 0, 0, 0, 0, 0, 0, 0, NULL, NULL, 0 FROM record",
      "state " + first.text());
  expect_after(
      "INSERT INTO delivery SELECT destination, -1, seq, client, position, queued_since, 0, 0, 0, 0, 0, NULL, x'01', 0"
      " FROM delivery WHERE seq = 2",
      "state " + second.text() + " a delivery is queued twice");
  expect_after("INSERT INTO payload_chunk VALUES (65536, x'00')", "orphan - ");
  expect_after("UPDATE journal SET next_seq = 1", "state - ");
  expect_after("UPDATE journal SET journal_id = x'00'", "state - ");
}

TEST_F(DamageTest, ANumberThatStandsForNothingIsNamedAndShownLikeAnyOther) {
  open();
  const SubmissionId first = append_ok(small("first"));
  ASSERT_TRUE(settle(claim_one().token, refused()).ok());
  const SubmissionId second = append_ok(small("second"));
  close();
  const auto sound_file = files()["journal.db"];
  for (const char* sql : {"UPDATE record SET state = 130", "UPDATE attempt SET outcome = 130",
                          "UPDATE attempt SET error_kind = 130", "UPDATE submission SET intake = 129 WHERE seq = 1"}) {
    SCOPED_TRACE(sql);
    change(sql);
    EXPECT_NE(verify_findings(), std::vector<std::string>());
    open();
    const SubmissionView shown = view(first, true);
    EXPECT_EQ(shown.deliveries.at(0).state, DeliveryState::dead_letter);
    EXPECT_FALSE(error_kind_name(shown.deliveries.at(0).last_error->kind).empty());
    EXPECT_FALSE(outcome_name(shown.deliveries.at(0).history.at(0).outcome).empty());
    EXPECT_FALSE(intake_name(shown.submission.intake).empty());
    const auto snapshot = journal->snapshot();
    for (const auto& [intake, accepted] : snapshot->accepted_by_intake) {
      EXPECT_FALSE(intake_name(intake).empty()) << accepted;
    }
    EXPECT_EQ(claim_one().submission.id, second);
    close();
    std::ofstream(options.path, std::ios::binary | std::ios::trunc) << sound_file;
  }
}

TEST_F(DamageTest, VerifyNamesAnotherSchemaAndABrokenPage) {
  open();
  for (int i = 0; i < 50; ++i) append_ok(small(std::string(2000, 'x')));
  close();
  const auto sound_bytes = files()["journal.db"];
  auto bytes = sound_bytes;
  break_root_page(bytes, "submission");
  std::ofstream(options.path, std::ios::binary | std::ios::trunc) << bytes;
  expect_finding("page - ");
  bytes = sound_bytes;
  bytes[18] = 3;
  std::ofstream(options.path, std::ios::binary | std::ios::trunc) << bytes;
  expect_finding("page - the database's header");
  std::ofstream(options.path, std::ios::binary | std::ios::trunc) << sound_bytes;
  {
    Connection connection(options.path, Connection::Mode::write, "");
    connection.execute("CREATE TABLE dentist (name TEXT)");
    connection.checkpoint(Connection::Checkpoint::truncate);
    connection.keep_wal_on_close(false);
  }
  EXPECT_EQ(verify_findings(), std::vector<std::string>{"schema - table dentist doesn't belong to a journal"});
}

TEST_F(DamageTest, ABrokenPageStopsTheJournalForGoodAndSaysSo) {
  open();
  for (int i = 0; i < 50; ++i) append_ok(small(std::string(2000, 'x')));
  close();
  auto bytes = files()["journal.db"];
  break_root_page(bytes, "submission");
  std::ofstream(options.path, std::ios::binary | std::ios::trunc) << bytes;
  open();
  EXPECT_TRUE(journal->claim("cloud", 1).empty());
  const auto refused_append = append(small("payload"));
  ASSERT_FALSE(refused_append.ok());
  EXPECT_EQ(refused_append.error(), AppendRefusal::journal_failing);
  EXPECT_EQ(journal->condition().refusing, AppendRefusal::journal_failing);
  EXPECT_NE(journal->condition().reason.find("edge-relay verify"), std::string::npos);
  EXPECT_EQ(journal->admission({1}), AppendRefusal::journal_failing);
}

}  // namespace
}  // namespace relay
