// Lists, views, snapshots, conditions and counters: what people and metrics read.
#include "journal_fixture.hpp"

namespace relay {
namespace {

class QueryTest : public JournalTest {
 protected:
  std::vector<SubmissionId> all_pages(SubmissionQuery query) {
    std::vector<SubmissionId> found;
    for (int pages = 0; pages < 1000; ++pages) {
      const auto page = journal->list(query);
      EXPECT_TRUE(page.ok());
      for (const SubmissionView& shown : page->submissions) found.push_back(shown.submission.id);
      if (!page->next_cursor) return found;
      query.cursor = page->next_cursor;
    }
    ADD_FAILURE() << "the list has no end";
    return found;
  }
};

TEST_F(QueryTest, TheListIsNewestFirstAndPagesMeetWithoutGapOrRepeat) {
  open();
  std::vector<SubmissionId> made;
  for (int i = 0; i < 25; ++i) made.insert(made.begin(), append_ok(small("payload")));
  EXPECT_EQ(all_pages({}), made);
  EXPECT_EQ(all_pages({.limit = 7}), made);
  EXPECT_EQ(all_pages({.limit = 25}), made);
  EXPECT_FALSE(journal->list({.limit = 25})->next_cursor.has_value());
  EXPECT_EQ(journal->list({.limit = 3})->submissions.size(), 3u);
}

TEST_F(QueryTest, TheListTakesEachFilterAndAllTogether) {
  open();
  const SubmissionId first = append_ok(small("1", "lab.a"));
  NewSubmission second_made = small("2", "lab.b");
  second_made.destinations = {"cloud", "archive"};
  const SubmissionId second = append_ok(std::move(second_made));
  clock.advance(std::chrono::hours(2));
  const SubmissionId third = append_ok(small("3", "lab.a"));
  ASSERT_TRUE(settle(claim_one().token, delivered()).ok());
  ASSERT_TRUE(settle(claim_one().token, refused()).ok());

  using Ids = std::vector<SubmissionId>;
  EXPECT_EQ(all_pages({.state = SubmissionState::delivered}), Ids{first});
  EXPECT_EQ(all_pages({.state = SubmissionState::dead_letter}), Ids{second});
  EXPECT_EQ(all_pages({.state = SubmissionState::queued}), Ids{third}) << "a dead letter outweighs what is queued";
  EXPECT_EQ(all_pages({.state = SubmissionState::discarded}), Ids{});
  EXPECT_EQ(all_pages({.destination = "archive"}), Ids{second});
  EXPECT_EQ(all_pages({.client = "lab.a"}), (Ids{third, first}));
  EXPECT_EQ(all_pages({.since = clock.wall_now()}), Ids{third});
  EXPECT_EQ(all_pages({.state = SubmissionState::queued, .client = "lab.b"}), Ids{});
  EXPECT_EQ(all_pages({.state = SubmissionState::dead_letter, .destination = "archive"}), Ids{second});
}

TEST_F(QueryTest, QueuedOnesAreFoundNewestFirstOverClientsAndDestinations) {
  options.destinations = {"cloud", "archive"};
  open();
  std::vector<SubmissionId> made;
  for (int i = 0; i < 40; ++i) {
    NewSubmission one = small("payload", "lab." + std::to_string(i % 5));
    one.destinations = i % 3 == 0 ? std::vector<std::string>{"cloud", "archive"} : std::vector<std::string>{"cloud"};
    made.insert(made.begin(), append_ok(std::move(one)));
  }
  EXPECT_EQ(all_pages({.state = SubmissionState::queued}), made);
  EXPECT_EQ(all_pages({.state = SubmissionState::queued, .limit = 3}), made);
}

TEST_F(QueryTest, ACursorThatIsntOursIsAnError) {
  open();
  for (const char* cursor : {"", "1", "c1.xyz", "c1.00000000000000001", "c1.ffffffffffffffff", "c2.0000000000000001"}) {
    EXPECT_FALSE(journal->list({.cursor = cursor}).ok()) << cursor;
  }
}

TEST_F(QueryTest, EachCommitHasItsNumberAndAnswersOfTheSameNumberAgree) {
  open();
  const CommitNumber before = journal->snapshot()->as_of;
  const SubmissionId id = append_ok(small("payload"));
  const auto after = journal->snapshot();
  EXPECT_GT(after->as_of, before);
  EXPECT_EQ((*journal->find(id, false))->as_of, after->as_of);
  EXPECT_EQ(journal->list({})->as_of, after->as_of);
  reopen();
  EXPECT_GT(journal->snapshot()->as_of, after->as_of);
}

TEST_F(QueryTest, ASnapshotHasEveryConfiguredDestinationAndTheOldestThatWaits) {
  options.destinations = {"cloud", "archive"};
  open();
  auto snapshot = journal->snapshot();
  ASSERT_EQ(snapshot->destinations.size(), 2u);
  EXPECT_FALSE(snapshot->destinations["cloud"].oldest_queued_at.has_value());
  EXPECT_EQ(snapshot->destinations["cloud"].attempts.size(), 5u);
  const WallTime oldest = clock.wall_now();
  append_ok(small("old", "lab.z"));
  clock.advance(std::chrono::hours(1));
  append_ok(small("new", "lab.a"));
  EXPECT_EQ(totals().oldest_queued_at, oldest);
  ASSERT_TRUE(settle(claim_one().token, try_again(Outcome::try_later, clock.wall_now() + std::chrono::hours(1))).ok());
  EXPECT_EQ(totals().oldest_queued_at, oldest);
}

TEST_F(QueryTest, ADestinationThatIsntConfiguredAnyMoreKeepsItsTotalsAndRows) {
  options.destinations = {"cloud", "archive"};
  open();
  NewSubmission made = small("payload");
  made.destinations = {"archive"};
  const SubmissionId id = append_ok(std::move(made));
  close();
  options.destinations = {"cloud"};
  open();
  EXPECT_EQ(totals("archive").queued, 1u);
  EXPECT_EQ(view(id).deliveries[0].destination, "archive");
}

TEST_F(QueryTest, WhileACircuitIsOpenEveryQueuedDeliveryShowsWhyAndUntilWhen) {
  open();
  const SubmissionId waiting = append_ok(small("waiting"));
  DestinationCondition down;
  down.up = false;
  down.circuit_error = DeliveryError{ErrorKind::unreachable, std::nullopt, "nobody answers", ""};
  down.next_probe_at = clock.wall_now() + std::chrono::seconds(7);
  journal->set_condition("cloud", down);
  const auto late = append(small("late"));
  for (const SubmissionView& shown :
       {view(waiting), late->view, journal->list({})->submissions[0], journal->list({})->submissions[1]}) {
    EXPECT_EQ(shown.deliveries[0].last_error->kind, ErrorKind::unreachable);
    EXPECT_EQ(shown.deliveries[0].next_attempt_at, down.next_probe_at);
    EXPECT_EQ(shown.deliveries[0].attempts, 0u);
  }
  EXPECT_FALSE(journal->conditions().at("cloud").up);
  down.holding = true;
  down.held_until = clock.wall_now() + std::chrono::hours(1);
  journal->set_condition("cloud", down);
  EXPECT_EQ(view(waiting).deliveries[0].next_attempt_at, down.held_until)
      << "nothing is probed in a hold window either";
  journal->set_condition("cloud", {});
  EXPECT_FALSE(view(waiting).deliveries[0].last_error.has_value());
}

TEST_F(QueryTest, CountersBelongToTheirCommitAndSurviveARestart) {
  open();
  const CounterName refused{"submissions_refused", {"http", "memory_full"}};
  const CounterName absorbed{"repeats_absorbed", {"http"}};
  const CounterName bare{"without_labels", {}};
  journal->count(refused);
  journal->count(refused, 2);
  journal->count(absorbed);
  journal->count(bare);
  save_counts();
  const auto saved = journal->snapshot();
  EXPECT_EQ(saved->counters.at(refused), 3u);
  EXPECT_FALSE(journal->save_counts([] {})) << "nothing waits";
  // Two of one commit are equal, whatever has been counted in between.
  journal->count(refused);
  const auto again = journal->snapshot();
  if (again->as_of == saved->as_of) {
    EXPECT_EQ(again->counters, saved->counters);
  }
  reopen();
  EXPECT_EQ(journal->snapshot()->counters.at(refused), 4u) << "saved at the end";
  journal->count(refused);
  save_counts();
  auto counters = journal->snapshot()->counters;
  EXPECT_EQ(counters[refused], 5u);
  EXPECT_EQ(counters[absorbed], 1u);
  EXPECT_EQ(counters[bare], 1u);
}

TEST_F(QueryTest, CommitsAreMeasured) {
  open();
  append_ok(small("payload"));
  const JournalCondition condition = journal->condition();
  EXPECT_FALSE(condition.refusing.has_value());
  std::uint64_t commits = 0;
  for (const std::uint64_t bucket : condition.commit_seconds.buckets) commits += bucket;
  EXPECT_GE(commits, 1u);
  EXPECT_EQ(condition.commit_seconds.buckets.size(), condition.commit_seconds.bounds.size() + 1);
  EXPECT_GE(condition.commit_batch_size.sum, 1);
  EXPECT_GT(condition.journal_bytes.value, 0u);
  EXPECT_GT(condition.wal_bytes.value, 0u);
  EXPECT_GT(condition.disk_free.value, 0u);
}

}  // namespace
}  // namespace relay
