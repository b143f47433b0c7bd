// The cost of an operation doesn't grow with the backlog: every statement finds its rows by a key, and the plan of each
// one that SQLite makes is looked at, on tables large enough to matter.
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <set>

#include <fmt/format.h>

#include "journal/database.hpp"
#include "journal/housekeeping.hpp"
#include "journal/listing.hpp"
#include "journal/reading_pool.hpp"
#include "journal/writer_statements.hpp"
#include "journal_fixture.hpp"

namespace relay {
namespace {

class BacklogTest : public JournalTest {
 protected:
  static constexpr int backlog = 200'000;

  // A journal with that many queued submissions of 50 clients, every second one already tried.
  void make_backlog(int size = backlog) {
    open();
    append_ok(small("payload", "lab.0"));
    close();
    Connection connection(options.path, Connection::Mode::write, "");
    const std::string rows = fmt::format(
        "BEGIN;"
        "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < {0})"
        " INSERT INTO submission SELECT i, zeroblob(8) || CAST(printf('%08d', i) AS BLOB), 'lab.' || (i % 50),"
        " content_type, '', NULL, 1, size, sha256, accepted_at, zeroblob(16), 1, 0, NULL, payload"
        " FROM n CROSS JOIN (SELECT * FROM submission WHERE seq = 1);"
        "INSERT INTO delivery SELECT 1, iif(seq % 2, 1000 + seq, 0), seq, client, 0, accepted_at, 0, 0, 0, 0, 0, NULL, "
        "NULL, 0"
        " FROM submission WHERE seq > 1;"
        "UPDATE totals SET accepted = {0}, queued = {0};"
        "UPDATE journal SET accepted_http = {0}, next_seq = {0} + 1;"
        "COMMIT",
        size);
    connection.execute(rows.c_str());
    connection.checkpoint(Connection::Checkpoint::truncate);
    connection.keep_wal_on_close(false);
  }

  // Steps of SQLite's virtual machine that the work takes: a scan of the backlog takes a million.
  static int steps_of(const Connection& connection, const std::function<void()>& work) {
    static int steps = 0;
    constexpr int every = 100;
    sqlite3_progress_handler(
        connection.handle(), every,
        [](void*) {
          steps += every;
          return 0;
        },
        nullptr);
    steps = 0;
    work();
    return steps;
  }

  // What the plan of a statement does that grows with a table, one line each.
  static std::vector<std::string> growing_steps(Connection& connection, const std::string& sql) {
    // Small by what they are: one row, a row a destination, a counter, an upload under way, a jump of the clock.
    static const std::set<std::string> small_tables = {"journal", "totals",     "t",     "counter",
                                                       "upload",  "clock_jump", "paused"};
    std::vector<std::string> growing;
    Statement plan(connection, "EXPLAIN QUERY PLAN " + sql);
    for (Rows rows = plan.rows(); rows.next();) {
      const std::string step = rows.string(3);
      if (step.starts_with("SCAN ")) {
        const std::string table = step.substr(5, step.find(' ', 5) - 5);
        // In the order of its key, a few rows from the start.
        const bool few_in_order = sql.find("ORDER BY hash LIMIT") != std::string::npos;
        if (!small_tables.contains(table) && !few_in_order) growing.push_back(step + ": " + sql);
      }
      if (step.find("TEMP B-TREE") != std::string::npos || step.find("AUTOMATIC") != std::string::npos) {
        growing.push_back(step + ": " + sql);
      }
    }
    return growing;
  }
};

TEST_F(BacklogTest, NoStatementScansOrSortsATableThatGrows) {
  make_backlog();
  std::vector<std::string> growing;
  std::size_t looked_at = 0;
  const auto look_at = [&](Connection& connection) {
    for (const std::string& sql : connection.prepared_statements()) {
      if (!sql.starts_with("SELECT") && !sql.starts_with("UPDATE") && !sql.starts_with("DELETE")) continue;
      ++looked_at;
      for (std::string& step : growing_steps(connection, sql)) growing.push_back(std::move(step));
    }
  };
  JournalReader reader(options.path, "");
  look_at(reader.connection);
  Connection writing(options.path, Connection::Mode::write, "");
  WriterStatements statements(writing);
  ClockGuard clock_guard(clock);
  Housekeeping housekeeping(writing, statements, options, clock_guard);
  look_at(writing);
  EXPECT_GT(looked_at, 40u);
  EXPECT_EQ(growing, std::vector<std::string>());
  // The look itself must be able to find one.
  EXPECT_FALSE(growing_steps(writing, "SELECT * FROM delivery WHERE attempts = 3").empty());
  EXPECT_FALSE(growing_steps(writing, "SELECT * FROM submission ORDER BY client").empty());
}

TEST_F(BacklogTest, AQueryOfALargeJournalRunsAFewStepsOnly) {
  make_backlog();
  JournalReader reader(options.path, "");
  const auto steps_of = [&](const std::function<void()>& query) {
    return BacklogTest::steps_of(reader.connection, query);
  };
  const WallTime long_ago{};
  EXPECT_LT(steps_of([&] { EXPECT_EQ(reader.claims.due(1, clock.wall_now(), 16, {}).size(), 16u); }), 5'000);
  EXPECT_LT(steps_of([&] { EXPECT_EQ(reader.claims.due(1, long_ago, 16, {}).size(), 16u); }), 5'000);
  EXPECT_LT(steps_of([&] { EXPECT_TRUE(reader.claims.probe(1, {}, {}).has_value()); }), 20'000);
  EXPECT_LT(steps_of([&] { EXPECT_EQ(reader.claims.waiting_clients(1, 1000, {}).size(), 50u); }), 20'000);
  EXPECT_LT(steps_of([&] { EXPECT_TRUE(reader.claims.next_due(1, {}).has_value()); }), 1'000);
  EXPECT_LT(steps_of([&] { EXPECT_EQ(reader.claims.oldest(1), 1); }), 20'000);
}

TEST_F(BacklogTest, AListLooksAtABoundedNumberOfRowsAndFindsTheFewThatMatter) {
  make_backlog();
  open();
  // Nothing fits: the page is empty, and says where to go on.
  const auto page = journal->list({.state = SubmissionState::delivered});
  EXPECT_TRUE(page->submissions.empty());
  EXPECT_TRUE(page->next_cursor.has_value());
  const auto oldest = journal->claim_probe("cloud", {.client = "lab.0"});
  ASSERT_TRUE(settle(oldest->token, refused()).ok());
  const auto dead = journal->list({.state = SubmissionState::dead_letter});
  ASSERT_EQ(dead->submissions.size(), 1u) << "the oldest of all, found at once";
  EXPECT_EQ(dead->submissions[0].submission.id, oldest->submission.id);
  EXPECT_FALSE(dead->next_cursor.has_value());
  EXPECT_EQ(journal->list({.state = SubmissionState::queued})->submissions.size(), 100u);
  // Everything is older than that: a page that looked at its rows in vain is the last one.
  EXPECT_FALSE(journal->list({.since = clock.wall_now() + std::chrono::hours(1)})->next_cursor.has_value());
}

// Every kind of list, its first page and one from the middle.
TEST_F(BacklogTest, APageOfAnyListTakesTheSameWorkHoweverMuchThereIs) {
  const auto work_at = [this](int size) {
    make_backlog(size);
    Connection writing(options.path, Connection::Mode::write, "");
    writing.execute(
        "BEGIN;"
        "INSERT INTO record (seq, destination, position, state, ended_at, attempts, recorded, possibly_delivered, "
        "resends)"
        " SELECT seq, 1, 0, 3, queued_since, 1, 0, 0, 0 FROM delivery WHERE seq % 100 = 0;"
        "UPDATE totals SET dead_letter = (SELECT count(*) FROM record);"
        "DELETE FROM delivery WHERE seq % 100 = 0;"
        "COMMIT");
    JournalReader reader(options.path, "");
    const std::string middle = fmt::format("c1.{:016x}", size / 2);
    const std::vector<SubmissionQuery> queries = {
        {},
        {.limit = 1000},
        {.state = SubmissionState::queued},
        {.state = SubmissionState::queued, .client = "lab.7"},
        {.state = SubmissionState::dead_letter},
        {.state = SubmissionState::delivered},
        {.destination = "cloud"},
        {.destination = "nowhere"},
        {.client = "lab.7"},
        {.client = "nobody"},
        {.since = clock.wall_now() + std::chrono::hours(1)},
    };
    std::vector<int> work;
    for (SubmissionQuery query : queries) {
      for (const bool from_the_middle : {false, true}) {
        if (from_the_middle) query.cursor = middle;
        work.push_back(steps_of(reader.connection, [&] { EXPECT_TRUE(list_submissions(reader, query).ok()); }));
      }
    }
    return work;
  };
  const auto small = work_at(20'000);
  for (const auto& file : std::filesystem::directory_iterator(std::filesystem::path(options.path).parent_path())) {
    std::filesystem::remove(file);
  }
  // A million takes a while to make; as many rows as a page may look at, ten times over, tell nearly as much.
  const auto large = work_at(std::getenv("EDGE_RELAY_LONG") != nullptr ? 1'000'000 : backlog);
  ASSERT_EQ(small.size(), large.size());
  for (std::size_t i = 0; i < small.size(); ++i) {
    EXPECT_LT(large[i], 200'000) << i;
    EXPECT_LE(large[i], small[i] + small[i] / 10 + 2'000) << i;
  }
}

}  // namespace
}  // namespace relay
