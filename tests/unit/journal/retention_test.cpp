// What has been kept long enough goes, from the database and from the WAL; a dead letter never by itself; and nothing
// at all while the clock can't be trusted.
#include <random>

#include "journal_fixture.hpp"
#include "support/first_version_journal.hpp"

namespace relay {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::string_view planted = "PLANTED-PATIENT-4711";
constexpr hours day{24};

class RetentionTest : public JournalTest {
 protected:
  static std::string payload_with(std::string_view text, std::size_t size) {
    std::string payload;
    while (payload.size() < size) payload.append(text).append(1, '|');
    payload.resize(size);
    return payload;
  }
  SubmissionId deliver(NewSubmission made) {
    const SubmissionId id = append_ok(std::move(made));
    EXPECT_TRUE(settle(claim_one().token, delivered()).ok());
    return id;
  }
  SubmissionId refuse(NewSubmission made) {
    const SubmissionId id = append_ok(std::move(made));
    EXPECT_TRUE(settle(claim_one().token, refused()).ok());
    return id;
  }
  bool on_disk(std::string_view text) const {
    for (const auto& [name, bytes] : files()) {
      if (bytes.find(text) != std::string::npos) return true;
    }
    return false;
  }
  // Turn after turn of the writer, while the clock goes on.
  template <class Condition>
  bool comes_true(Condition condition) {
    for (int tries = 0; tries < 500; ++tries) {
      if (condition()) return true;
      clock.advance(seconds(11));
      EXPECT_FALSE(settle(ClaimToken{1}, delivered()).ok());  // answered by a turn of the writer, and changes nothing
    }
    return false;
  }
  // Gives the writer every reason to erase what it may.
  void let_the_writer_look() {
    for (int i = 0; i < 3; ++i) {
      clock.advance(seconds(2));
      append_ok({submission("tick"), {"elsewhere"}, std::nullopt, std::string("tick")});
    }
  }
  bool payload_is_there(const SubmissionId& id) {
    auto source = journal->payload_of(id);
    return source.ok() && (*source)->read(0, 10).ok();
  }
  std::optional<PayloadFailure> payload_failure(const SubmissionId& id) {
    auto source = journal->payload_of(id);
    if (!source) return std::nullopt;
    const auto read = (*source)->read(0, 10);
    return read ? std::nullopt : std::optional(read.error().failure);
  }
  std::size_t list_size() {
    SubmissionQuery query;
    query.limit = 1000;
    std::size_t size = 0;
    do {
      auto page = journal->list(query);
      if (!page) return 0;
      size += page->submissions.size();
      query.cursor = page->next_cursor;
    } while (query.cursor);
    return size;
  }
  bool is_known(const SubmissionId& id) {
    const auto found = journal->find(id, false);
    return found.ok() && found->has_value();
  }
};

TEST_F(RetentionTest, AnErasedPayloadIsNeitherInTheDatabaseNorInTheWal) {
  open();
  for (int i = 0; i < 150; ++i) deliver(small(payload_with(planted, 300 + 150 * static_cast<std::size_t>(i))));
  const SubmissionId in_chunks = deliver(large(payload_with(planted, 3 * payload_chunk_size.value + 5)));
  ASSERT_TRUE(on_disk(planted));

  clock.advance(6 * day);
  let_the_writer_look();
  EXPECT_TRUE(payload_is_there(in_chunks));

  clock.advance(day + minutes(1));
  EXPECT_TRUE(comes_true([&] { return !on_disk(planted); }));
  EXPECT_EQ(payload_failure(in_chunks), PayloadFailure::erased);
  EXPECT_EQ(view(in_chunks, true).deliveries.at(0).history.size(), 1u);
  EXPECT_EQ(verify_findings(), std::vector<std::string>());
}

TEST_F(RetentionTest, WhatStaysIsWholeAndWhatGoesIsGoneWhereTheyShareAPage) {
  open();
  std::vector<SubmissionId> kept;
  for (int i = 0; i < 120; ++i) {
    if (i % 5 == 0) kept.push_back(refuse(small(payload_with("a dead letter", 900))));
    deliver(small(payload_with(planted, 700 + 37 * static_cast<std::size_t>(i))));
    clock.advance(hours(1));
  }
  clock.advance(8 * day);
  EXPECT_TRUE(comes_true([&] { return !on_disk(planted); }));
  clock.advance(3 * 365 * day);
  EXPECT_TRUE(comes_true([&] { return list_size() == kept.size(); }));
  for (const SubmissionId& id : kept) {
    auto source = journal->payload_of(id);
    ASSERT_TRUE(source.ok());
    EXPECT_EQ(read_all(**source), payload_with("a dead letter", 900));
  }
  EXPECT_EQ(verify_findings(), std::vector<std::string>());
}

TEST_F(RetentionTest, AnErasedRecordStaysInTheTotals) {
  options.keep_delivered_payload = hours(1);
  options.keep_record = 30 * day;
  open();
  const SubmissionId gone = deliver(large(payload_with(planted, payload_chunk_size.value + 1)));
  const SubmissionId waiting = append_ok(small("still queued"));
  clock.advance(29 * day);
  EXPECT_TRUE(comes_true([&] { return payload_failure(gone) == PayloadFailure::erased; }));
  EXPECT_TRUE(is_known(gone));
  clock.advance(2 * day);
  EXPECT_TRUE(comes_true([&] { return !is_known(gone); }));
  EXPECT_TRUE(payload_is_there(waiting));
  EXPECT_EQ(totals().accepted, 2u);
  EXPECT_EQ(totals().delivered, 1u);
  expect_promise_7(*journal->snapshot());
  EXPECT_EQ(verify_findings(), std::vector<std::string>());
  reopen();
  EXPECT_EQ(totals().delivered, 1u);
  EXPECT_TRUE(payload_is_there(waiting));
}

TEST_F(RetentionTest, APayloadIsKeptUntilItsLastDeliveryHasEnded) {
  options.destinations = {"cloud", "second"};
  open();
  NewSubmission made = small("for two");
  made.destinations = {"cloud", "second"};
  const SubmissionId id = append_ok(std::move(made));
  ASSERT_TRUE(settle(claim_one("cloud").token, delivered()).ok());
  clock.advance(10 * day);
  let_the_writer_look();
  EXPECT_TRUE(payload_is_there(id));
  ASSERT_TRUE(settle(claim_one("second").token, delivered()).ok());
  clock.advance(6 * day);
  let_the_writer_look();
  EXPECT_TRUE(payload_is_there(id));
  clock.advance(2 * day);
  EXPECT_TRUE(comes_true([&] { return payload_failure(id) == PayloadFailure::erased; }));
}

TEST_F(RetentionTest, SpaceIsGivenBack) {
  open();
  for (int i = 0; i < 12; ++i) deliver(large(payload_with(planted, 4 * payload_chunk_size.value)));
  const auto size = [&] { return std::filesystem::file_size(options.path); };
  clock.advance(hours(1));
  reopen();
  const auto before = size();
  ASSERT_GT(before, 12'000'000u);
  clock.advance(8 * day);
  EXPECT_TRUE(comes_true([&] { return size() < before / 4; }));
}

TEST_F(RetentionTest, AClockSetTenYearsAheadErasesNothingAndNeitherDoesItsWayBack) {
  open();
  const SubmissionId id = deliver(small("delivered today"));
  NewSubmission keyed = small("with a key");
  keyed.destinations = {"elsewhere"};
  keyed.idempotency_key = "http:lab.default:k";
  const SubmissionId first = append_ok(std::move(keyed));
  const WallTime today = clock.wall_now();
  clock.set_wall(today + 3650 * day);
  let_the_writer_look();
  clock.advance(minutes(5));
  const SubmissionId in_the_future = deliver(small("delivered in ten years"));
  let_the_writer_look();
  clock.set_wall(today + minutes(6));
  let_the_writer_look();
  EXPECT_TRUE(payload_is_there(id));
  NewSubmission repeat = small("with a key");
  repeat.destinations = {"elsewhere"};
  repeat.idempotency_key = "http:lab.default:k";
  EXPECT_EQ(append_ok(std::move(repeat)), first);

  // Trusted again, what has a time out of the future goes like the rest.
  journal->witness_clock(clock.wall_now() + seconds(2));
  let_the_writer_look();
  clock.advance(6 * day);
  let_the_writer_look();
  EXPECT_TRUE(payload_is_there(id));
  EXPECT_TRUE(payload_is_there(in_the_future));
  clock.advance(2 * day);
  EXPECT_TRUE(comes_true([&] { return !payload_is_there(id) && !payload_is_there(in_the_future); }));
}

TEST_F(RetentionTest, AJumpIsForgottenAfterADayWithoutAnother) {
  options.keep_delivered_payload = hours(1);
  open();
  const SubmissionId id = deliver(small("x"));
  clock.set_wall(clock.wall_now() + hours(2));
  let_the_writer_look();
  clock.advance(hours(23));
  let_the_writer_look();
  EXPECT_TRUE(payload_is_there(id));
  clock.advance(hours(1));
  EXPECT_TRUE(comes_true([&] { return payload_failure(id) == PayloadFailure::erased; }));
}

TEST_F(RetentionTest, AClockThatADateContradictsErasesNothingThoughItNeverJumped) {
  options.keep_delivered_payload = hours(1);
  open();
  const SubmissionId id = deliver(small("x"));
  journal->witness_clock(clock.wall_now() - day);
  let_the_writer_look();
  clock.advance(hours(2));
  let_the_writer_look();
  EXPECT_TRUE(payload_is_there(id));
  journal->witness_clock(clock.wall_now());
  EXPECT_TRUE(comes_true([&] { return payload_failure(id) == PayloadFailure::erased; }));
}

TEST_F(RetentionTest, AClockThatJumpedWhileTheRelayWasDownIsDoubtedUntilADateAgrees) {
  open();
  const SubmissionId id = deliver(small("x"));
  close();
  clock.set_wall(clock.wall_now() + 30 * day);
  open();
  let_the_writer_look();
  reopen();  // the doubt outlives a restart
  let_the_writer_look();
  EXPECT_TRUE(payload_is_there(id));
  journal->witness_clock(clock.wall_now() - 30 * day);  // a Date that doesn't agree
  let_the_writer_look();
  EXPECT_TRUE(payload_is_there(id));
  journal->witness_clock(clock.wall_now() + minutes(1));
  EXPECT_TRUE(comes_true([&] { return payload_failure(id) == PayloadFailure::erased; }));
}

TEST_F(RetentionTest, WhatEndedWhileTheClockWasBehindIsKeptItsFullTime) {
  const WallTime today = clock.wall_now();
  clock.set_wall(today - 3650 * day);
  open();
  const SubmissionId id = deliver(small("delivered today"));
  let_the_writer_look();
  clock.set_wall(today);
  let_the_writer_look();
  journal->witness_clock(clock.wall_now());
  let_the_writer_look();
  EXPECT_TRUE(payload_is_there(id));
  reopen();
  clock.advance(6 * day);
  let_the_writer_look();
  EXPECT_TRUE(payload_is_there(id));
  clock.advance(2 * day);
  EXPECT_TRUE(comes_true([&] { return payload_failure(id) == PayloadFailure::erased; }));
  EXPECT_EQ(verify_findings(), std::vector<std::string>());
}

TEST_F(RetentionTest, AClockThatWasBehindMayAlsoBeSetRightWhileTheRelayIsDown) {
  const WallTime today = clock.wall_now();
  open();
  close();
  clock.set_wall(today - 300 * day);
  open();
  const SubmissionId id = deliver(small("delivered today"));
  close();
  clock.set_wall(today);
  open();
  journal->witness_clock(clock.wall_now());
  let_the_writer_look();
  EXPECT_TRUE(payload_is_there(id));
  clock.advance(8 * day);
  EXPECT_TRUE(comes_true([&] { return payload_failure(id) == PayloadFailure::erased; }));
}

TEST_F(RetentionTest, AKeyIsKeptItsFullTimeThoughTheClockWasBehind) {
  const WallTime today = clock.wall_now();
  clock.set_wall(today - 3650 * day);
  open();
  clock.advance(7 * day - hours(1));
  const auto keyed = [&] {
    NewSubmission made = small("with a key");
    made.idempotency_key = "http:lab.default:k";
    return made;
  };
  const SubmissionId first = deliver(keyed());
  clock.advance(hours(2));
  let_the_writer_look();  // the tables rotate: the key is in the one to be emptied next
  clock.set_wall(today + 7 * day);
  let_the_writer_look();
  journal->witness_clock(clock.wall_now());
  let_the_writer_look();
  clock.advance(6 * day);
  let_the_writer_look();
  EXPECT_EQ(append_ok(keyed()), first);
}

TEST_F(RetentionTest, WhatEndedBeforeRetentionExistedIsErasedToo) {
  JournalModel model(4711);
  std::mt19937_64 random(4711);
  options.destinations = model.destinations();
  make_first_version_journal(options, model, clock, random);
  open();
  clock.advance(8 * day);
  std::size_t erased = 0;
  for (const auto& [id, known] : model.submissions()) {
    if (model.may_be_erased(known, clock.wall_now() + 365 * 101 * day)) {
      ++erased;
      EXPECT_TRUE(comes_true([&, id = id] { return payload_failure(id) == PayloadFailure::erased; }));
    } else {
      EXPECT_TRUE(payload_is_there(id));
    }
  }
  EXPECT_GT(erased, 0u);
  EXPECT_EQ(verify_findings(), std::vector<std::string>());
}

TEST_F(RetentionTest, AClockThatIsRightAllAlongIsNeverDoubted) {
  options.keep_delivered_payload = hours(1);
  open();
  const SubmissionId id = deliver(small("x"));
  clock.set_wall(clock.wall_now() + minutes(40));  // less than an hour is no jump
  clock.advance(hours(1));
  EXPECT_TRUE(comes_true([&] { return payload_failure(id) == PayloadFailure::erased; }));
}

}  // namespace
}  // namespace relay
